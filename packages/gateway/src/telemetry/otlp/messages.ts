/** What the gateway and its export process say to each other over their channel. */
import type { OtlpConfig } from '../../config/otlp-config.ts';
import type { MetricReading } from '../../kernel/metric-table.ts';

export type OtlpSignal = OtlpConfig['signals'][number];

/** What the process needs to begin. Headers may hold secrets: they come over the channel, never by argument or environment. */
export interface ExportStart extends Pick<OtlpConfig, 'endpoint' | 'protocol' | 'signals' | 'stops' | 'compression' | 'timeoutMs'> {
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Readonly<Record<string, string>>;
  readonly version: string;
}

/** Rows of `calls`, as they came out of the journal: decoded by the process that sends them. */
export interface CallsMessage {
  readonly columns: { readonly intent: readonly string[]; readonly outcome: readonly string[] };
  readonly bytes: Uint8Array;
  /** Two a row: where its intent ends, where it ends. */
  readonly ends: readonly number[];
}

/** A line of the gateway's log, as its fields. */
export type LogLine = Readonly<Record<string, unknown>>;

export type ToExporter =
  | { readonly kind: 'start'; readonly start: ExportStart }
  | { readonly kind: 'calls'; readonly id: number; readonly calls: CallsMessage }
  | { readonly kind: 'metrics'; readonly readings: readonly MetricReading[]; readonly startedMs: number; readonly nowMs: number }
  | { readonly kind: 'lines'; readonly lines: readonly LogLine[] }
  /** Send what waits, then end. */
  | { readonly kind: 'finish' };

export type FromExporter =
  /** A batch of calls is over for every signal that has calls. */
  | { readonly kind: 'done'; readonly id: number }
  /** So many calls, readings or lines of a signal were sent, or will never be. */
  | { readonly kind: 'counted'; readonly signal: OtlpSignal; readonly outcome: 'exported' | 'dropped'; readonly items: number }
  /** Null: the receiver takes what is sent again. */
  | { readonly kind: 'trouble'; readonly signal: OtlpSignal; readonly reason: string | null; readonly retrying: boolean };
