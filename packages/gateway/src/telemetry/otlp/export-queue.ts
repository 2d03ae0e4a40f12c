import { setTimeout as delay } from 'node:timers/promises';
import { ExportResultCode } from '@opentelemetry/core';
import { bounds } from '../../kernel/bounds.ts';
import type { Exporter } from './open-exporters.ts';

/** Something to be exported: made into the exporter's items when its turn comes. */
export interface Parcel<Items> {
  readonly items: () => Items;
  /** How many calls, readings or lines it is. */
  readonly count: number;
  /** It was taken, or will never be. */
  readonly over: (outcome: 'exported' | 'dropped') => void;
}

export interface ExportQueue<Items> {
  add(parcel: Parcel<Items>): void;
  /** Resolves when nothing waits. */
  drained(): Promise<void>;
}

export interface ExportQueueOptions<Items> {
  readonly exporter: Exporter<Items>;
  /** Null: it is over. Told once for each change. */
  readonly onTrouble: (reason: string | null, retrying: boolean) => void;
}

const firstRetryMs = 1_000;
/** Codes of gRPC that a client may try again at (https://opentelemetry.io/docs/specs/otlp/#failures). */
const retryableGrpc: ReadonlySet<number> = new Set([1, 4, 8, 10, 11, 14, 15]);
const grpcCodesMax = 16;

/**
 * One parcel after the other. What the receiver cannot take now is sent again, with growing pauses, until it can: how much may wait meanwhile is
 * decided by who adds. What it refuses for good is dropped.
 */
export function createExportQueue<Items>({ exporter, onTrouble }: ExportQueueOptions<Items>): ExportQueue<Items> {
  const waiting: Parcel<Items>[] = [];
  let running: Promise<void> | null = null;
  let trouble: string | null = null;

  function note(reason: string | null, retrying: boolean): void {
    if (reason === trouble) return;
    trouble = reason;
    onTrouble(reason, retrying);
  }

  async function run(): Promise<void> {
    for (let parcel = waiting.shift(); parcel !== undefined; parcel = waiting.shift()) await send(parcel);
    running = null;
  }

  async function send(parcel: Parcel<Items>): Promise<void> {
    for (let tries = 0; ; tries++) {
      const error = await exportOnce(parcel);
      if (error === null) {
        note(null, false);
        return parcel.over('exported');
      }
      const retrying = isRetryable(error);
      note(reasonOf(error), retrying);
      if (!retrying) return parcel.over('dropped');
      await delay(Math.min(firstRetryMs * 2 ** tries, bounds.otlpRetryMsMax) * (0.5 + Math.random() / 2));
    }
  }

  function exportOnce(parcel: Parcel<Items>): Promise<Error | null> {
    return new Promise((resolve) => {
      try {
        exporter.export(parcel.items(), ({ code, error }) => resolve(code === ExportResultCode.SUCCESS ? null : (error ?? new Error('the export failed'))));
      } catch (error) {
        resolve(error instanceof Error ? Object.assign(error, { code: grpcCodesMax + 1 }) : new Error(String(error)));
      }
    });
  }

  return {
    add(parcel) {
      waiting.push(parcel);
      running ??= run();
    },
    async drained() {
      while (running !== null) await running;
    },
  };
}

/** A number is what the receiver said for good, but for those of gRPC that mean: not now. All else is the way there. */
function isRetryable(error: Error): boolean {
  const code = 'code' in error ? error.code : undefined;
  return typeof code !== 'number' || (code <= grpcCodesMax && retryableGrpc.has(code));
}

/** Of the receiver's own text only a little: it may be a page. */
function reasonOf(error: Error): string {
  const code = 'code' in error && (typeof error.code === 'number' || typeof error.code === 'string') ? `${error.code} ` : '';
  return `${code}${error.message}`.replaceAll(/\s+/g, ' ').slice(0, 200);
}
