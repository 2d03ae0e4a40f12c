import type { TlsData } from '../../snapshot/upstream-data.ts';

/** A stream of the audit as it is configured, with the values of its secrets. */
export interface StreamData {
  readonly name: string;
  readonly format: 'json' | 'cef' | 'ocsf';
  /** Actions, with `*` for any text. */
  readonly events: readonly string[];
  readonly except: readonly string[];
  /** Whether each call of a tool is an event, too. */
  readonly calls: boolean;
  /** Where a stream begins that was never seen before. */
  readonly from: 'now' | 'beginning';
  readonly batchMax: number;
  readonly timeoutMs: number;
  readonly to: SyslogData | WebhookData;
}

export interface SyslogData {
  readonly kind: 'syslog';
  readonly host: string;
  readonly port: number;
  /** Null: plain TCP. */
  readonly tls: TlsData | null;
  /** RFC 5424, section 6.2.1. */
  readonly facility: number;
  readonly messageBytesMax: number;
}

export interface WebhookData {
  readonly kind: 'webhook';
  readonly url: string;
  readonly tls: TlsData | null;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Each signs; none: nothing is signed. */
  readonly keys: readonly Buffer[];
}
