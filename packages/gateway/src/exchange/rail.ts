/**
 * exchange: the spine. The order in which a call passes the rooms of the rail stands here and nowhere else. May import
 * every room of the rail. Promises: nothing goes upstream before who, may they, how much and the record are settled.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BodyQueue } from '../bodies/body-queue.ts';
import type { Authenticator, Principal } from '../authenticate/authenticate.ts';
import type { Aggregates } from '../fabric/aggregates.ts';
import type { Servers } from '../fabric/dialogue.ts';
import type { Endpoint } from '../fabric/endpoint.ts';
import { bounds } from '../kernel/bounds.ts';
import type { Fault } from '../kernel/fault.ts';
import { newSpanHex, traceIdOf } from '../kernel/id.ts';
import type { Log, LogFields } from '../kernel/log.ts';
import type { Refusals } from '../kernel/refusals.ts';
import type { Limiter } from '../limit/limiter.ts';
import type { InboundHeaders } from '../listener/header-gate.ts';
import type { OtherWorkers, Passing } from '../listener/other-workers.ts';
import type { Reply } from '../listener/respond.ts';
import { CallRecord, principalBlock, writeIntent, writeOutcome } from '../record/call-record.ts';
import type { CallStatus, RailStop } from '../record/call-row.ts';
import type { CallBodies } from '../record/call-bodies.ts';
import type { Journal } from '../record/journal.ts';
import type { Server, Snapshot } from '../snapshot/compile-snapshot.ts';
import type { Upstreams } from '../upstream/upstreams.ts';
import { captureBodies, handOverBodies } from './capture-bodies.ts';
import type { GatewaySessions } from './gateway-sessions.ts';
import type { ResultCache } from '../cache/result-cache.ts';
import type { OpenStreams } from './open-streams.ts';
import type { Parks } from './parks.ts';
import type { SessionRenewal } from './renew-session.ts';
import type { SessionHandles } from './session-handle.ts';
import { sessionRefusalOf, type SessionRefusals } from './session-refusals.ts';
import type { SessionNoteBook } from './session-notes.ts';
import { traceContextOf } from './trace-context.ts';

/** What the spine stands on in one worker. */
export interface Rail {
  readonly snapshot: () => Snapshot;
  readonly authenticator: Authenticator;
  readonly limiter: Limiter;
  readonly upstreams: Upstreams;
  readonly journal: Journal;
  readonly bodies: BodyQueue;
  readonly sessions: SessionHandles;
  readonly sessionRefusals: SessionRefusals;
  readonly sessionNotes: SessionNoteBook;
  readonly renewal: SessionRenewal;
  readonly streams: OpenStreams;
  readonly servers: Servers;
  readonly cache: ResultCache;
  readonly aggregates: Aggregates;
  readonly gatewaySessions: GatewaySessions;
  readonly parks: Parks;
  /** Null where this node has but one worker. */
  readonly otherWorkers: OtherWorkers | null;
  readonly log: Log;
  /** Requests that end without a record, by the code of the fault. */
  readonly rejected: Refusals;
  /** True when calls may not be made for want of a record (the spool is over its bound). */
  readonly recordBlocked: () => boolean;
  /** Milliseconds to add to `performance.now()` for the time of day. */
  readonly wallOffsetMs: () => number;
  /** Unique in this worker's journal. */
  readonly nextCallNumber: () => number;
}

/** One HTTP request on its way along the rail; filled in as it passes the stops. */
export class Call implements Reply, Passing {
  readonly rail: Rail;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly inbound: InboundHeaders;
  readonly record: CallRecord;
  readonly snapshot: Snapshot;
  /** Set where another worker has passed the request here. */
  isPassed = false;
  server: Server | null = null;
  /** Where the address is one of many servers. */
  endpoint: Endpoint | null = null;
  /** The record's columns of the server where the call is of no single one. */
  place: Uint8Array | null = null;
  principal: Principal | null = null;
  /** JSON text of the params of a legacy client's `initialize`; null for everything else. */
  opening: string | null = null;
  /** The JSON-RPC id exactly as it was written; null for a notification and until it is known. */
  idText: string | null = null;
  /** As it was sent; null until it is read, and once `bodies` has what is wanted of it. */
  body: Buffer | null = null;
  /** What is copied for the record, or null. */
  bodies: CallBodies | null = null;
  /** The headers of the answer that the rail adds: rate limit, deprecation. */
  headers: string[] = [];
  /** Refused a server that exists, in the words of one that does not: only the record tells the two apart. */
  isHidden = false;
  /** The stop that the call stands at: where it ends if it is refused now. */
  stop: RailStop = 'auth';
  traceFlags = '01';
  /** The caller says which trace the call belongs to. */
  traceIsNamed = false;
  requestId: string;
  /** Why it was ended in the midst of it. */
  revoked: Fault | null = null;
  /** How a call under way is answered with a fault; null: its connection can only be cut. */
  refuse: ((fault: Fault) => void) | null = null;
  private recorded = false;
  private settled = false;

  constructor(rail: Rail, request: IncomingMessage, response: ServerResponse, inbound: InboundHeaders, startedAt: number) {
    this.rail = rail;
    this.request = request;
    this.response = response;
    this.inbound = inbound;
    this.snapshot = rail.snapshot();
    const record = new CallRecord(rail.nextCallNumber(), startedAt);
    record.spanHex = newSpanHex();
    this.requestId = `req_${record.spanHex}`;
    record.requestId = this.requestId;
    record.peer = request.socket.remoteAddress ?? '';
    this.record = record;
  }

  get certificate(): string | undefined {
    return this.inbound.certificate;
  }

  get traceId(): string {
    const { clientTraceId, traceHex } = this.record;
    return clientTraceId !== '' ? clientTraceId : traceHex === '' ? '' : traceIdOf(traceHex);
  }

  /** What every line of the log about this call carries, as far as it is known. */
  get logFields(): LogFields {
    const { requestId, traceId, principal } = this;
    return {
      request_id: requestId,
      ...(traceId === '' ? {} : { trace_id: traceId }),
      ...(principal === null ? {} : { organization_id: principal.data.organizationId }),
    };
  }

  /** Finds the trace that the call belongs to; `metaTraceparent` is what its message says of it. */
  joinTrace(metaTraceparent: string | undefined): void {
    const { inbound, record, snapshot, principal } = this;
    const trace = traceContextOf(inbound.clientTraceId, metaTraceparent, inbound.traceparent, principal?.data.organizationId ?? snapshot.data.organizationId);
    record.traceHex = trace.traceHex;
    record.parentSpanHex = trace.parentSpanHex;
    record.clientTraceId = trace.clientTraceId;
    this.traceFlags = trace.flags;
    this.traceIsNamed = trace.isNamed;
  }

  /** Puts the intent into the journal; resolves when the kernel has it. Faults: `audit_blocked`. */
  intend(): Promise<void> {
    const { principal, rail, record } = this;
    const block = this.server?.block ?? this.place;
    if (principal === null || block === null) throw new Error('a call is recorded after its principal and server are known');
    writeIntent(rail.journal, record, this.principalBlock(principal), block, rail.wallOffsetMs());
    this.recorded = true;
    this.bodies = captureBodies(this);
    this.body = null;
    return rail.journal.committed();
  }

  /** The record's columns of the caller. Its agent is that of the key, else the one that the request names, else the program that calls. */
  principalBlock(principal: Principal): Uint8Array {
    if (principal.data.agent !== '') return principal.block;
    const { agentName } = this.inbound;
    const agent = agentName !== undefined && agentForm.test(agentName) ? agentName : this.record.clientName;
    return agent === '' ? principal.block : agentBlock(principal, agent);
  }

  /** Puts the outcome into the journal, once; resolves when the kernel has it, or could not take it: then the call stays `unknown`. */
  settle(status: CallStatus, stop: RailStop): Promise<void> {
    if (this.settled || !this.recorded) return Promise.resolve();
    this.settled = true;
    const isRevoked = this.revoked !== null && status !== 'success';
    if (isRevoked) this.record.fault = this.revoked?.code ?? '';
    this.record.status = isRevoked ? 'blocked' : status;
    this.record.stop = stop;
    if (this.bodies !== null) handOverBodies(this, this.bodies);
    writeOutcome(this.rail.journal, this.record, this.record.endedAt || performance.now());
    return this.rail.journal.committed().catch(() => undefined);
  }

  /** Records a refusal after identity: intent and outcome in one, nothing went upstream. Before it, only the caller's own trace is named. */
  async settleRefusal(fault: Fault, httpStatus: number = fault.row.status): Promise<void> {
    const { record, rail, principal } = this;
    const block = this.server?.block ?? this.place;
    const refused = sessionRefusalOf(fault);
    if (refused !== null) rail.sessionRefusals.note(refused, principal?.data ?? null, record.peer);
    // Refused before its message was known, as for a body that is no JSON: the headers alone say which trace it is of.
    if (record.traceHex === '' && (principal !== null || this.inbound.clientTraceId !== undefined)) this.joinTrace(undefined);
    if (principal === null || block === null) return this.noteRefusal(fault);
    // What could not be recorded as an intent has no outcome, and a spool that is over its bound must not grow by refusals.
    if (fault.code === 'audit_blocked' || rail.recordBlocked()) return this.noteRefusal(fault);
    record.fault = fault.code;
    record.httpStatus = httpStatus;
    // Where the server's own error was the fault, its code says more.
    if (record.rpcErrorCode === 0) record.rpcErrorCode = fault.row.rpcCode;
    if (!this.recorded) {
      writeIntent(rail.journal, record, this.principalBlock(principal), block, rail.wallOffsetMs());
      this.recorded = true;
    }
    await this.settle(this.isHidden ? 'blocked' : statusOf(fault), this.stop);
  }

  private noteRefusal(fault: Fault): void {
    const { requestId, rail, record } = this;
    rail.rejected.note(fault.code, { requestId, peer: record.peer, bytes: record.requestBytes });
  }
}

const agentForm = new RegExp(`^[\\x21-\\x7e](?:[\\x20-\\x7e]{0,${bounds.agentNameCharsMax - 2}}[\\x21-\\x7e])?$`);

/** As `principal.block`, with another agent; those of the agents named first are kept. */
function agentBlock({ data, agentBlocks }: Principal, agent: string): Uint8Array {
  const known = agentBlocks.get(agent);
  if (known !== undefined) return known;
  const block = principalBlock({ ...data, agent });
  if (agentBlocks.size < bounds.agentNamesMax) agentBlocks.set(agent, block);
  return block;
}

/** How a call that ended in a fault stands in the record. */
export function statusOf(fault: Fault): CallStatus {
  if (fault.row.owner === 'policy') return 'blocked';
  return fault.code === 'mcp_timeout' ? 'timeout' : 'error';
}
