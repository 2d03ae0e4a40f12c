import type { Readable } from 'node:stream';

export type ExportFormat = 'csv' | 'jsonl';

export interface ExportJob {
  /** `exp_…` */
  readonly id: string;
  readonly format: ExportFormat;
  readonly state: 'running' | 'done' | 'failed';
  /** Of state `failed`, fit for whoever asked. */
  readonly reason: string | null;
  readonly rows: number;
  /** How many rows are expected; null where that is not known. */
  readonly estimatedRows: number | null;
  readonly bytes: number;
  /** The file holds the first rows only: it came to its bound. */
  readonly truncated: boolean;
  readonly createdAtMs: number;
  /** When the file is removed. */
  readonly expiresAtMs: number;
}

export interface ExportRequest {
  readonly organizationId: string;
  readonly format: ExportFormat;
  readonly estimatedRows: number | null;
  /** Written before the rows, or null. */
  readonly head: string | null;
  /** Lines without their ends, as they are made. */
  readonly lines: AsyncIterable<string>;
}

/** Where exports are made and kept: bounded in number, size and time. */
export interface ExportDesk {
  /** Faults: `too_many_exports`. */
  begin(request: ExportRequest): ExportJob;
  /** Null where the organization has no such export. */
  find(organizationId: string, id: string): ExportJob | null;
  /** The file of a job that is done, or null. */
  open(organizationId: string, id: string): Readable | null;
}
