import { createHash } from 'node:crypto';
import type { Call } from './rail.ts';

/**
 * The agent's run that a legacy session is: what its calls belong to where their caller names no trace. A session's handle
 * carries it, so that every worker of every node knows.
 */
export interface SessionRun {
  /** The trace and the span of its `initialize`, 32 and 16 hex digits. */
  readonly traceHex: string;
  readonly spanHex: string;
  /** Milliseconds since the epoch. */
  readonly beganAtMs: number;
  /** The program that calls, as it named itself there; may be empty. */
  readonly clientName: string;
}

/** A run lasts no longer than this: a session that a program keeps open for days is one run an hour. */
const runMs = 3_600_000;

/** Of the call that opens a session. */
export function beginRun({ record, rail }: Call): SessionRun {
  const { traceHex, spanHex, clientName } = record;
  return { traceHex, spanHex, beganAtMs: Math.round(record.startedAt + rail.wallOffsetMs()), clientName };
}

/** Puts a call into the run of its session, and into its trace unless the caller names another. Null: the session knows of none. */
export function joinRun(call: Call, run: SessionRun | null): void {
  if (run === null) return;
  const { record, rail } = call;
  record.sessionId = sessionIdOf(run.spanHex);
  if (record.clientName === '') record.clientName = run.clientName;
  if (call.traceIsNamed) return;
  const hours = Math.max(0, Math.floor((record.startedAt + rail.wallOffsetMs() - run.beganAtMs) / runMs));
  record.traceHex = hours === 0 ? run.traceHex : createHash('sha256').update(`${run.traceHex}\n${hours}`).digest('hex').slice(0, 32);
}

/** How a session stands in the record: by the span that opened it. */
export function sessionIdOf(spanHex: string): string {
  return `s_${spanHex}`;
}

/** One line of text; `readRun` reads it. */
export function runText({ traceHex, spanHex, beganAtMs, clientName }: SessionRun): string {
  return `${traceHex}${spanHex}${beganAtMs.toString(36)} ${clientName.replace(/[\r\n]/g, ' ')}`;
}

/** Null where the text is none: a handle of an earlier version. */
export function readRun(text: string | undefined): SessionRun | null {
  const [, traceHex, spanHex, beganAt, clientName] = /^([0-9a-f]{32})([0-9a-f]{16})([0-9a-z]{1,11}) (.*)$/s.exec(text ?? '') ?? [];
  if (traceHex === undefined || spanHex === undefined || beganAt === undefined || clientName === undefined) return null;
  return { traceHex, spanHex, beganAtMs: Number.parseInt(beganAt, 36), clientName };
}
