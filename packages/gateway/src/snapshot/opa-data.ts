import type { TlsData } from './upstream-data.ts';

/** How Open Policy Agent is asked: plain data. `path`: of the decision, below `data`, such as `gatewayops/allow`. */
export type OpaData = OpaRestData | OpaBundleData;

export interface OpaRestData {
  readonly kind: 'rest';
  readonly path: string;
  readonly timeoutMs: number;
  readonly origin: string;
  /** What stands before `/v1/data`; empty or beginning with a slash. */
  readonly basePath: string;
  /** Never logged. */
  readonly credential: { readonly header: string; readonly value: string } | null;
  readonly tls: TlsData | null;
  /** Networks that it may be in although nothing is sent there by default (`kernel/outward-address.ts`). */
  readonly allowedNetworks: readonly string[];
}

/** Policies compiled to WebAssembly, with what they look up. */
export interface OpaBundleData {
  readonly kind: 'bundle';
  readonly path: string;
  readonly timeoutMs: number;
  /** In base64. */
  readonly wasm: string;
  /** JSON text. */
  readonly data: string;
}
