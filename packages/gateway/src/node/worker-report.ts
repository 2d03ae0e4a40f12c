import type { ConsultantReport } from '../consult/consultant.ts';
import type { TargetReport } from '../snapshot/upstream-data.ts';

/** What a process tells of itself. */
export interface ProcessReport {
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  /** From 0 to 1, since the report before. */
  readonly loopUtilization: number;
  /** Since the report before; null in the first one. */
  readonly loopDelay: { readonly medianSeconds: number; readonly p99Seconds: number; readonly maxSeconds: number } | null;
}

/** What a worker tells when metrics are read: plain data. */
export interface WorkerReport extends ProcessReport, DoorReport {}

/** Of the door of one worker. Counts are since it began. */
export interface DoorReport {
  readonly connections: number;
  readonly callsOpen: number;
  /** Requests that ended without a record, by the code of the fault. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Calls whose bodies were not handed over to the masking process, by why. */
  readonly bodiesDropped: Readonly<Record<string, number>>;
  readonly catalogues: readonly CatalogueReport[];
  readonly targets: readonly TargetReport[];
  /** Null: no policy engine is asked. */
  readonly consultant: ConsultantReport | null;
}

/** What a worker knows of the servers behind it. */
export interface ServerReports {
  readonly targets: readonly TargetReport[];
  readonly lists: readonly CatalogueReport[];
}

/** One list of one server, as a worker keeps it for the endpoints of many servers. */
export interface CatalogueReport {
  readonly server: string;
  readonly list: string;
  readonly ageMs: number;
  readonly entries: number;
  /** The server is away or answers in part only: the list is its last good one. */
  readonly stale: boolean;
  /** Why the server's own list cannot be read whole, though it answers; null: it can, or the server is away. */
  readonly cut: string | null;
}
