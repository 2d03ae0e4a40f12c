import { bounds } from '../kernel/bounds.ts';
import type { FaultCode } from '../kernel/fault-codes.ts';
import type { ReplyControl, Try } from '../upstream/send.ts';
import type { PrincipalData } from '../snapshot/snapshot.ts';
import { ByteWriter } from './byte-writer.ts';
import type { CallStatus, RailStop } from './call-row.ts';
import type { Journal } from './journal.ts';

/**
 * The wide record of one call, handed along the rail openly and settled once. Times are milliseconds of
 * `performance.now()`; a stop that was not reached keeps 0.
 */
export class CallRecord {
  readonly number: number;
  readonly startedAt: number;
  authAt = 0;
  accessAt = 0;
  limitAt = 0;
  guardAt = 0;
  firstByteAt = 0;
  /** When the reply ended, where the price of the call asked for it; else the outcome says when. */
  endedAt = 0;

  traceHex = '';
  spanHex = '';
  parentSpanHex = '';
  surface: 'mcp' | 'rest' = 'mcp';
  era = '';
  version = '';
  method = '';
  name = '';
  requestId = '';
  clientTraceId = '';
  clientName = '';
  sessionId = '';
  peer = '';
  requestBytes = 0;

  status: CallStatus = 'unknown';
  stop: RailStop = 'auth';
  fault: FaultCode | '' = '';
  httpStatus = 0;
  rpcErrorCode = 0;
  replyBytes = 0;
  replyContentType = '';
  inputTokens = 0;
  outputTokens = 0;
  tokensSource = '';
  costNano = 0;
  pricedBy = '';
  priceVersion = 0;
  transforms = '';
  cache: 'hit' | 'shared' | 'miss' | '' = '';
  /** The policy that decided; empty where none had to. */
  policy = '';
  /** What the policy engine calls its decision; empty where none was asked, or gave none. */
  decisionId = '';
  target = '';
  retries = 0;
  /** Each try of the call; null where there was but one. */
  tries: ReplyControl['tries'] = null;
  /** What the server asked of the client; null where it asked nothing. */
  asks: Asked[] | null = null;
  upstreamSpans = '';
  bodies: 'sent' | 'queue_full' | 'too_large' | '' = '';

  constructor(number: number, startedAt: number) {
    this.number = number;
    this.startedAt = startedAt;
  }

  /** Which target the call went to last, and how often it was tried. */
  noteTarget({ target, retries, tries }: Pick<ReplyControl, 'target' | 'retries' | 'tries'>): void {
    this.target = target;
    this.retries = retries;
    this.tries = tries;
  }

  /** The server asks the client for something. Whoever sees the answer sets `untilAt`. */
  ask(method: string): Asked {
    const asked: Asked = { method: method.slice(0, 64), at: performance.now(), untilAt: 0 };
    this.asks ??= [];
    if (this.asks.length < bounds.recordedAsksMax) this.asks.push(asked);
    return asked;
  }
}

/** A question of a server: when it came, and when the server had its answer, or 0. */
export interface Asked {
  readonly method: string;
  readonly at: number;
  untilAt: number;
}

/** What every record of one principal begins with, encoded once: the first eight columns. */
export function principalBlock(principal: PrincipalColumns): Uint8Array {
  const writer = new ByteWriter(256);
  writer.text(principal.organizationId);
  writer.text(principal.keyId);
  writer.text(principal.keyPrefix);
  writer.text(principal.userId);
  writer.text(principal.teamId);
  writer.text(principal.projectId);
  writer.text(principal.agent);
  writer.text(principal.environment);
  return writer.bytes.subarray(0, writer.length);
}

export type PrincipalColumns = Pick<PrincipalData, 'organizationId' | 'keyId' | 'keyPrefix' | 'userId' | 'teamId' | 'projectId' | 'agent' | 'environment'>;

/** The three columns of the server, encoded once a snapshot. */
export function serverBlock(node: string, server: string, currency: string): Uint8Array {
  const writer = new ByteWriter(128);
  for (const column of [node, server, currency]) writer.text(column);
  return writer.bytes.subarray(0, writer.length);
}

/** Writes the intent to the journal's buffer of this turn. `wallOffsetMs` added to `performance.now()` gives the time of day. */
export function writeIntent(journal: Journal, record: CallRecord, principal: Uint8Array, server: Uint8Array, wallOffsetMs: number): void {
  const writer = journal.begin('intent', record.number);
  writer.block(principal);
  writer.block(server);
  writer.fixed(record.traceHex);
  writer.fixed(record.spanHex);
  writer.text(record.parentSpanHex);
  writer.u64(Math.round((record.startedAt + wallOffsetMs) * 1000));
  writer.text(record.surface);
  writer.text(record.era);
  writer.text(record.version);
  writer.text(record.method);
  writer.text(record.name);
  writer.text(record.requestId);
  writer.text(record.clientTraceId);
  writer.text(record.clientName);
  writer.text(record.sessionId);
  writer.text(record.peer);
  writer.u64(record.requestBytes);
  journal.end();
}

/** Writes the outcome; `endedAt` is `performance.now()`. */
export function writeOutcome(journal: Journal, record: CallRecord, endedAt: number): void {
  const writer = journal.begin('outcome', record.number);
  const { startedAt, authAt, accessAt, limitAt, guardAt, firstByteAt } = record;
  const accessFrom = authAt || endedAt;
  const limitFrom = accessAt || accessFrom;
  const guardFrom = limitAt || limitFrom;
  const serverFrom = guardAt || guardFrom;
  writer.text(record.status);
  writer.text(record.stop);
  writer.text(record.fault);
  writer.u16(record.httpStatus);
  writer.i32(record.rpcErrorCode);
  writer.u64(micros(endedAt - startedAt));
  writer.u32(micros(accessFrom - startedAt));
  writer.u32(accessAt === 0 ? 0 : micros(accessAt - accessFrom));
  writer.u32(limitAt === 0 ? 0 : micros(limitAt - limitFrom));
  writer.u32(guardAt === 0 ? 0 : micros(guardAt - guardFrom));
  writer.u32(guardAt === 0 ? 0 : micros((firstByteAt || endedAt) - serverFrom));
  writer.u32(firstByteAt === 0 ? 0 : micros(endedAt - firstByteAt));
  writer.u64(record.replyBytes);
  writer.text(record.replyContentType);
  writer.u32(record.inputTokens);
  writer.u32(record.outputTokens);
  writer.text(record.tokensSource);
  writer.u64(record.costNano);
  writer.text(record.pricedBy);
  writer.text(record.transforms);
  writer.text(record.cache);
  writer.text(record.target);
  writer.u8(record.retries);
  writer.text(record.asks === null ? '' : asksText(record.asks, startedAt));
  writer.text(record.upstreamSpans);
  writer.text(record.bodies);
  writer.u32(record.priceVersion);
  writer.text(record.policy);
  writer.text(record.decisionId);
  writer.text(record.tries === null ? '' : triesText(record, record.tries, endedAt));
  journal.end();
}

/** The last one ends with the first byte of the reply, or with the call. */
function triesText({ startedAt, firstByteAt, status, fault }: CallRecord, tries: readonly Try[], endedAt: number): string {
  return tries
    .map(({ target, at, untilAt, outcome }) => {
      const end = outcome === '' ? firstByteAt || endedAt : untilAt;
      const came = firstByteAt !== 0 || status === 'success' ? 'answered' : fault || status;
      return `${target} ${micros(at - startedAt)} ${micros(end - at)} ${outcome || came}`;
    })
    .join('\n');
}

function asksText(asks: readonly Asked[], startedAt: number): string {
  return asks.map(({ method, at, untilAt }) => `${method} ${micros(at - startedAt)} ${untilAt === 0 ? '-' : micros(untilAt - at)}`).join('\n');
}

/** A span of `performance.now()` as the record keeps it. */
export function micros(ms: number): number {
  return ms > 0 ? Math.round(ms * 1000) : 0;
}
