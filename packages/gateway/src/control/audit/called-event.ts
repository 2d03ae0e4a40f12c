import type { AuditResult } from '../../chain/audit-record.ts';
import type { StoredRecord } from '../../chain/verify-events.ts';
import { spanIdOf, traceIdOf } from '../../kernel/id.ts';
import type { CallRow } from '../../store/ledger/call-columns.ts';

/** What a call is among events of the audit, by its method. */
export const calledKinds = {
  'tools/call': { action: 'tool.called', objectKind: 'tool' },
  'resources/read': { action: 'resource.read', objectKind: 'resource' },
  'prompts/get': { action: 'prompt.read', objectKind: 'prompt' },
} as const;
/** Of every other method. */
export const serverCalled = { action: 'server.called', objectKind: 'server' } as const;

/** A call as an event: who called what, what was decided, and its trace. It stands in the chain of calls, not in that of events. */
export function calledEvent(call: CallRow, organizationId: string): StoredRecord {
  const { action, objectKind } = call.method in calledKinds ? calledKinds[call.method as keyof typeof calledKinds] : serverCalled;
  return {
    id: spanIdOf(call.span_hex),
    organizationId,
    sequence: null,
    atMs: Number(call.start_us / 1000n),
    actorKind: actorKindOf(call),
    actorId: call.key_id,
    action,
    objectKind,
    objectId: objectKind === 'server' ? call.server : `${call.server}/${call.tool}`,
    result: results[call.status] ?? 'failed',
    requestId: call.request_id,
    peer: call.peer,
    detail: {
      trace_id: traceIdOf(call.trace_hex),
      server: call.server,
      tool: call.tool,
      ...(objectKind === 'server' ? { method: call.method } : {}),
      status: call.status,
      stop: call.stop,
      ...known({ fault: call.fault_code, policy: call.policy, decision_id: call.decision_id }),
      latency_ms: call.duration_us / 1000,
      cost: call.cost_text,
      currency: call.currency,
      ...known({ user_id: call.user_id, team_id: call.team_id, project_id: call.project_id, agent: call.agent }),
    },
    previousHash: null,
    hash: null,
    keyId: null,
    signature: null,
  };
}

/** Who came with a token is named by what they are; keys have no colon in what shows of them. */
function actorKindOf({ key_id: id, key_prefix: prefix, user_id: user, agent }: CallRow): string {
  if (id === '') return 'anonymous';
  if (!prefix.includes(':')) return 'key';
  if (user !== '') return 'user';
  // A grant of nobody in the directory: an administrator allowed it.
  if (prefix.startsWith('oauth:')) return 'client';
  return agent === id ? 'agent' : 'service_account';
}

/** What is neither is a call that did not come about. */
const results: Readonly<Record<string, AuditResult>> = { success: 'success', waiting: 'success', blocked: 'denied' };

function known(fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}
