import type { TokenPrice } from '../bodies/body-job.ts';
import { bounds } from '../kernel/bounds.ts';
import { CallBodies } from '../record/call-bodies.ts';
import type { Price } from '../snapshot/compile-snapshot.ts';
import type { Call } from './rail.ts';

/** Where the bodies of a call are copied and handed on. Nothing of it is done for a call whose bodies are not kept and whose tokens have no price. */

/** What is copied of a call that is about to be sent, or null. */
export function captureBodies({ server, principal, record, body, snapshot }: Call): CallBodies | null {
  if (server === null || body === null) return null;
  const isKept = server.bodies !== null && principal !== null && principal.data.kind !== 'anonymous' && server.bodies(record.method, record.name);
  const isCounted = record.method === 'tools/call' && hasTokenPrice(server.toolPrices.get(record.name) ?? server.price);
  if (!isKept && !isCounted) return null;
  const keptMax = isKept ? (snapshot.data.recordBodyBytesMax ?? bounds.recordBodyBytes) + bounds.recordOverlapBytes : 0;
  return new CallBodies(isKept, Math.max(keptMax, isCounted ? bounds.tokenBytesMax : 0), body);
}

/** Hands the bodies of a call that ends to the masking process, and notes in the record what became of them. */
export function handOverBodies(call: Call, bodies: CallBodies): void {
  const { rail, record, server, principal, snapshot } = call;
  if (server === null || principal === null) return;
  const isPriced = record.pricedBy === 'default' || record.pricedBy === 'server' || record.pricedBy === 'tool';
  const isCounted = record.method === 'tools/call' && record.tokensSource === '' && (isPriced || record.status === 'success');
  if (!bodies.isKept && !isCounted) return;
  const became = rail.bodies.offer(bodies.length, bodies.isKept, (sequence) => ({
    principal: call.principalBlock(principal),
    server: server.block,
    request: bodies.request,
    response: bodies.reply,
    facts: {
      sequence,
      traceHex: record.traceHex,
      spanHex: record.spanHex,
      startedAtUs: Math.round((record.startedAt + rail.wallOffsetMs()) * 1000),
      method: record.method,
      tool: record.name,
      keepBytesMax: snapshot.data.recordBodyBytesMax ?? bounds.recordBodyBytes,
      requestBytes: record.requestBytes,
      responseBytes: record.replyBytes,
      isRequestCut: bodies.isRequestCut,
      isResponseCut: bodies.isReplyCut,
      responseType: bodies.replyType || record.replyContentType,
      requestHeaders: bodies.isKept ? headerLines(call.request.rawHeaders) : '',
      count: isCounted ? tokenPrice(isPriced ? (server.toolPrices.get(record.name) ?? server.price) : null, record.pricedBy) : null,
      callCostNano: record.costNano,
    },
  }));
  if (bodies.isKept) record.bodies = became;
}

function tokenPrice(price: Price | null, by: string): TokenPrice {
  return price === null ? { perInput: 0, perOutput: 0, by: '' } : { perInput: price.perTokenInput, perOutput: price.perTokenOutput, by };
}

function hasTokenPrice({ perTokenInput, perTokenOutput }: Price): boolean {
  return perTokenInput > 0 || perTokenOutput > 0;
}

/** Headers that say what a call is. What others may hold nobody knows, credentials among it: they do not leave the worker. */
const recorded = /^(?:accept|content-type|content-length|host|origin|user-agent|mcp-[a-z0-9-]+|traceparent|x-trace-id|x-request-id)$/;

function headerLines(rawHeaders: readonly string[]): string {
  let lines = '';
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = recordedName(rawHeaders[index] ?? '');
    if (name !== '') lines += `${name}: ${rawHeaders[index + 1] ?? ''}\n`;
  }
  return lines;
}

/** Names as they were written; the same come with every call of a client. */
const names = new Map<string, string>();
const namesMax = 1000;

/** The name in lower case; empty where it is not recorded. */
function recordedName(written: string): string {
  let name = names.get(written);
  if (name !== undefined) return name;
  name = written.toLowerCase();
  if (!recorded.test(name)) name = '';
  if (names.size >= namesMax) names.clear();
  names.set(written, name);
  return name;
}
