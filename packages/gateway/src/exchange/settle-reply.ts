import { bridgeFault } from '../fabric/bridge-fault.ts';
import { readMessage } from '../fabric/rpc-message.ts';
import { inspectReply, type ReplyFacts } from '../protocol/inspect-reply.ts';
import type { Message } from '../protocol/classify.ts';
import type { CallStatus } from '../record/call-row.ts';
import { priceCall } from '../record/price-call.ts';
import { statusOf, type Call } from './rail.ts';

/**
 * The outcome of a call whose reply ended in good order: status by what the reply says, cost by the price list, or as a server says it that is trusted to. `json` is the
 * last JSON-RPC message of the reply, or its digest.
 */
export function settleReply(call: Call, message: Pick<Message, 'kind' | 'method' | 'name'>, status: number, json: Buffer, cancelled: boolean): Promise<void> {
  const { record, server } = call;
  const costMax = server?.reportedCostMax ?? null;
  const facts: ReplyFacts | null = message.kind !== 'request' ? null : inspectReply(json, costMax !== null);
  if (facts) {
    record.rpcErrorCode = facts.rpcErrorCode;
    record.upstreamSpans = facts.spans;
    // Whoever asked the client here has noted it already.
    if (record.asks === null) for (const method of facts.asked) record.ask(method);
    if (facts.usage) {
      record.inputTokens = facts.usage.inputTokens;
      record.outputTokens = facts.usage.outputTokens;
      record.tokensSource = 'reported';
    }
  }
  const outcome = outcomeOf(status, facts, record.era);
  // Behind our own bridge: what it says in the place of a program that is not there.
  const error = status >= 500 && server !== null ? readMessage(json)?.body : undefined;
  const fault = error === undefined || server === null ? null : bridgeFault(server, status, error);
  if (fault !== null) {
    record.fault = fault.code;
    return call.settle(cancelled ? 'cancelled' : statusOf(fault), 'server');
  }
  // The server did nothing for an answer from the cache.
  if (record.cache === 'hit' || record.cache === 'shared') record.pricedBy = message.method === 'tools/call' ? 'cache' : '';
  else if (message.method === 'tools/call' && server && isPriced(outcome, facts)) {
    priceCall(record, server.toolPrices.get(message.name) ?? server.price);
    const cost = facts?.cost ?? null;
    if (cost !== null && costMax !== null && cost.nano <= costMax && cost.currency === call.snapshot.data.currency) {
      record.costNano = cost.nano;
      record.pricedBy = 'reported';
    }
  }
  return call.settle(cancelled ? 'cancelled' : outcome, 'reply');
}

/** A tool that ran is paid for, also when its result is an error; a server that refused the call or asks for more first is not. */
function isPriced(outcome: CallStatus, facts: ReplyFacts | null): boolean {
  return outcome === 'success' || outcome === 'unknown' || facts?.kind === 'tool_error';
}

function outcomeOf(status: number, facts: ReplyFacts | null, era: string): CallStatus {
  if (status >= 400 || facts?.kind === 'rpc_error' || facts?.kind === 'tool_error') return 'error';
  // Before 2026-07-28 a server may end a stream early and answer on the one that resumes it: what became of the call stands there.
  if (facts?.kind === 'none') return era === 'legacy' ? 'unknown' : 'error';
  return facts?.kind === 'input_required' ? 'waiting' : 'success';
}
