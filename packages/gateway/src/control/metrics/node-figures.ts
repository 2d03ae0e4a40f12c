import type { Refusals } from '../../kernel/refusals.ts';
import type { ProcessReport, WorkerReport } from '../../node/worker-report.ts';
import type { DrainStatus } from '../../telemetry/drain.ts';
import type { ExportFigures } from '../../telemetry/otlp/start-export.ts';

/** What the processes of this node can tell of themselves. */
export interface NodeFigures {
  workers(): Promise<readonly { readonly worker: number; readonly report: WorkerReport }[]>;
  /** Of the supervisor. */
  supervisor(): ProcessReport;
  drain(): DrainStatus;
  recordBlocked(): boolean;
  /** Files of masked bodies that had to make room, and calls whose bodies a masking process that ended took with it. */
  bodiesGone(): { readonly dropped: number; readonly lost: number };
  /** Requests that the control plane refused before it knew who calls. */
  readonly rejected: Refusals;
  /** What listens at the tap. */
  tapped(): { readonly failures: number; readonly streams: number; readonly dropped: number };
  /** Null where nothing is exported. */
  exported(): ExportFigures | null;
  configVersion(): number;
  readonly spoolBytesMax: number;
  readonly workersConfigured: number;
  readonly version: string;
  readonly node: string;
  /** Wall clock, ms. */
  readonly startedMs: number;
}
