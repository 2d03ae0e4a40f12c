import { bounds } from '../kernel/bounds.ts';
import { upstreamSpans } from './upstream-spans.ts';

/** What a JSON-RPC reply says of its call, read from its bytes. */
export interface ReplyFacts {
  readonly kind: 'result' | 'tool_error' | 'rpc_error' | 'input_required' | 'none';
  readonly rpcErrorCode: number;
  /** Token figures that the tool reported in `result._meta.usage`, or null. */
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  /** Methods of what a result asks of the client before it goes on. */
  readonly asked: readonly string[];
  /** Spans that the server gives of its own work, as `upstreamSpans` has them. */
  readonly spans: string;
  /** What the call cost as the server says in `result._meta['io.gatewayops/cost']`; null where it was not asked for, or is none. */
  readonly cost: ReportedCost | null;
}

export interface ReportedCost {
  /** Nano-units, exact. */
  readonly nano: number;
  readonly currency: string;
}

const noFacts = { rpcErrorCode: 0, usage: null, asked: [], spans: '', cost: null } as const;
const plainResult: ReplyFacts = { ...noFacts, kind: 'result' };
const none: ReplyFacts = { ...noFacts, kind: 'none' };

const needles = ['"isError"', '"error"', '_tokens"', 'Tokens"', 'input_required', '"resourceSpans"'].map((text) => Buffer.from(text));

const costKey = 'io.gatewayops/cost';
const costNeedle = Buffer.from(`"${costKey}"`);

const resultMember = Buffer.from('"result"');

/**
 * Most replies are plain results, and a search for the few words that would say otherwise is cheaper than a parse; only a
 * reply that holds one is parsed. Token figures are read in the forms `input_tokens`/`output_tokens` (the documents' own
 * names) and `inputTokens`/`outputTokens`. A cost is looked for only where the server is trusted to say it.
 */
export function inspectReply(json: Buffer, trustsCost: boolean): ReplyFacts {
  if (json.length === 0) return none;
  // What is neither result nor error is a message of a stream that ended before its response.
  if (!needles.some((needle) => json.includes(needle)) && !(trustsCost && json.includes(costNeedle))) return json.includes(resultMember) ? plainResult : none;
  let message: unknown;
  try {
    message = JSON.parse(json.toString('utf8'));
  } catch {
    return none;
  }
  if (!isObject(message)) return none;
  const { error, result } = message;
  if (isObject(error))
    return {
      ...noFacts,
      kind: 'rpc_error',
      rpcErrorCode: typeof error['code'] === 'number' && Number.isInteger(error['code']) ? clampInt32(error['code']) : 0,
    };
  if (!isObject(result)) return none;
  const meta = result['_meta'];
  const facts = { ...noFacts, usage: usageOf(meta), spans: upstreamSpans(meta), cost: trustsCost ? costOf(meta) : null };
  if (result['isError'] === true) return { ...facts, kind: 'tool_error' };
  if (result['resultType'] === 'input_required') return { ...facts, kind: 'input_required', asked: askedIn(result['inputRequests']) };
  return { ...facts, kind: 'result' };
}

function askedIn(requests: unknown): readonly string[] {
  if (!isObject(requests)) return [];
  return Object.values(requests)
    .slice(0, bounds.recordedAsksMax)
    .flatMap((request) => (isObject(request) && typeof request['method'] === 'string' ? [request['method'].replaceAll(/\s/g, '')] : []));
}

function usageOf(meta: unknown): ReplyFacts['usage'] {
  if (!isObject(meta)) return null;
  const usage = isObject(meta['usage']) ? meta['usage'] : meta;
  const inputTokens = count(usage['input_tokens'] ?? usage['inputTokens']);
  const outputTokens = count(usage['output_tokens'] ?? usage['outputTokens']);
  return inputTokens === null && outputTokens === null ? null : { inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0 };
}

/** `{ "amount": "0.0042", "currency": "USD" }`. The amount is text: a JSON number would be read as the nearest float. */
function costOf(meta: unknown): ReportedCost | null {
  if (!isObject(meta)) return null;
  const cost = meta[costKey];
  if (!isObject(cost)) return null;
  const { amount, currency } = cost;
  if (typeof amount !== 'string' || typeof currency !== 'string') return null;
  const match = /^(\d{1,7})(?:\.(\d{1,9}))?$/.exec(amount);
  if (match === null) return null;
  const nano = Number(match[1]) * 1e9 + Number((match[2] ?? '').padEnd(9, '0'));
  return Number.isSafeInteger(nano) ? { nano, currency } : null;
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff ? value : null;
}

function clampInt32(value: number): number {
  return Math.max(-2147483648, Math.min(2147483647, value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
