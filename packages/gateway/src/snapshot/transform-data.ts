/** Transformation rules as plain data: what the configuration says of one server, and what a worker compiles. */
export interface TransformData {
  /** Name of a tool, in which `*` stands for any text; null: every tool, and for headers every message. */
  readonly tool: string | null;
  readonly request: readonly RequestRuleData[];
  /** Path of an argument → what stands behind `Mcp-Param-` in the header that mirrors it (2026-07-28, `x-mcp-header`). */
  readonly mirrors: Readonly<Record<string, string>>;
  readonly headers: readonly HeaderRuleData[];
  readonly response: readonly ResponseRuleData[];
}

/** Paths are as `parsePath` reads them; `value` is JSON text. */
export type RequestRuleData =
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'default' | 'set'; readonly path: string; readonly value: string }
  | { readonly kind: 'remove'; readonly path: string }
  | {
      readonly kind: 'restrict';
      readonly path: string;
      readonly enum: readonly (string | number | boolean)[] | null;
      readonly pattern: string | null;
      readonly min: number | null;
      readonly max: number | null;
    };

export type ResponseRuleData =
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'redact'; readonly path: string; readonly pattern: string | null; readonly with: string };

/** A caller's header and the header of the server that gets its value. */
export interface HeaderRuleData {
  readonly from: string;
  readonly to: string;
}
