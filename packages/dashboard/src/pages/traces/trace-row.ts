import type { Schemas } from '@gatewayops/sdk';
import type { Status } from '../../rail/rail.tsx';

/** One row of Traces: a trace of the ledger, or a call that has just ended. */
export interface TraceRow {
  readonly id: string;
  readonly time: string;
  readonly status: Status;
  readonly stop: string;
  readonly fault: string | null;
  readonly server: string | null;
  readonly what: string;
  /** What it says is a tool. */
  readonly isTool: boolean;
  /** The call that the status is of, where it is another than the first. */
  readonly decidedBy: Pick<TraceRow, 'server' | 'what' | 'isTool'> | null;
  readonly user: string | null;
  readonly team: string | null;
  readonly key: string | null;
  readonly agent: string | null;
  readonly client: string | null;
  readonly environment: string | null;
  readonly durationMs: number;
  readonly cost: number;
  readonly currency: string;
  readonly spans: number;
}

export function rowOfTrace(trace: Schemas['TraceSummary']): TraceRow {
  return {
    id: trace.id,
    time: trace.start_time,
    status: trace.status,
    stop: trace.stop,
    fault: trace.fault,
    server: trace.server,
    what: trace.tool ?? operationText(trace.operation),
    isTool: trace.tool !== null,
    decidedBy: deciding(trace),
    user: trace.user_id,
    team: trace.team_id,
    key: trace.key_id,
    agent: trace.agent_name,
    client: trace.client_name,
    environment: trace.environment,
    durationMs: trace.duration_ms,
    cost: trace.total_cost,
    currency: trace.currency,
    spans: trace.span_count,
  };
}

function deciding({ status, server, tool, operation, decided_by: by }: Schemas['TraceSummary']): TraceRow['decidedBy'] {
  const isFirst = by.server === server && by.tool === tool && by.operation === operation;
  return status === 'success' || isFirst ? null : { server: by.server, what: by.tool ?? operationText(by.operation), isTool: by.tool !== null };
}

export function rowOfCall(call: Schemas['RequestLogEntry']): TraceRow {
  return {
    id: call.trace_id,
    time: call.time,
    status: call.status,
    stop: call.stop,
    fault: call.fault,
    server: call.server === '' ? null : call.server,
    what: call.tool ?? operationText(call.operation),
    isTool: call.tool !== null,
    decidedBy: null,
    user: call.user_id,
    team: call.team_id,
    key: call.key_id,
    agent: call.agent_name,
    client: call.client_name,
    environment: call.environment,
    durationMs: call.latency_ms,
    cost: call.cost,
    currency: call.currency,
    spans: 1,
  };
}

/** `tools/list`, as the protocol writes it. */
export function operationText(operation: string): string {
  return isUnread(operation) ? 'request not read' : operation.replace(/^mcp\./, '').replaceAll('.', '/');
}

/** Refused by who asked or where, before what was asked was looked at. */
export function isUnread(operation: string): boolean {
  return operation === 'mcp';
}

/** Who it was, as far as it is known. */
export function whoOf({ user, agent, key }: TraceRow): string {
  return user ?? agent ?? key ?? 'unknown';
}
