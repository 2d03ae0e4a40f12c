import { nanoText, scaleNano } from '../../kernel/nano.ts';
import { openPriceBook } from '../../kernel/price-list.ts';
import type { ControlContext } from '../context.ts';
import { ownServers } from '../servers/own-servers.ts';
import { requireLedger } from '../require-ledger.ts';
import { unknownObject } from '../unknown-object.ts';
import { addDays, dateOf } from './cost-period.ts';

export interface EstimateInput {
  readonly server: string;
  readonly tool: string;
  /** JSON. */
  readonly arguments: unknown;
}

export interface EstimateLine {
  readonly price: 'per_call' | 'per_token_input' | 'per_token_output' | 'per_second';
  /** Exact decimals. */
  readonly unitPrice: string;
  readonly quantity: string;
  readonly cost: string;
  /** `counted`: from these arguments; `recorded`: the mean of past calls; `unknown`: no call is recorded, so nothing is reckoned. */
  readonly from: 'fixed' | 'counted' | 'recorded' | 'unknown';
}

export interface CostEstimate {
  readonly currency: string;
  readonly priceVersion: number;
  readonly pricedBy: string;
  readonly cost: string;
  readonly lines: readonly EstimateLine[];
  readonly tokenizer: string;
  /** What is known of past calls of this tool. */
  readonly recorded: {
    readonly days: number;
    readonly calls: number;
    readonly inputTokens: string | null;
    readonly outputTokens: string | null;
    readonly seconds: string | null;
    /** Of calls that succeeded, milliseconds; null where there were none. */
    readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
  };
}

const recordedDays = 30;
const minuteMs = 60_000;

/**
 * What a call would cost by the price list that holds: the tokens of its arguments are counted, those of its result and its time are the means
 * of what is recorded of the tool. Nothing is called. Faults: `unknown_object` where the caller may reach no such server, `unavailable`.
 */
export async function estimateCost(context: ControlContext, { server, tool, arguments: given }: EstimateInput): Promise<CostEstimate> {
  const { grants } = context.actor;
  if (!ownServers(context).some(({ name }) => name === server) || (grants.servers !== null && !grants.servers.includes(server)))
    throw unknownObject('server', server);
  const { list, version } = context.prices.served();
  const ledger = requireLedger(context);
  const nowMs = context.clock.nowMs();
  const today = dateOf(nowMs);
  const startDate = addDays(today, 1 - recordedDays);
  const { organizationId } = context;
  const [usage] = await ledger.listToolUsage({
    organizationId,
    startDate,
    endDate: today,
    currency: list.currency,
    filter: { server, tool },
    limit: 1,
  });
  const latency = await ledger.toolLatency({
    organizationId,
    server,
    tool,
    startMs: Date.parse(startDate),
    endMs: Math.ceil((nowMs + 1) / minuteMs) * minuteMs,
  });
  const price = openPriceBook(list)(server, tool);
  const inputTokens = await context.tokens.count(JSON.stringify(given ?? {}));
  const calls = BigInt(usage?.calls ?? 0);
  /** In billionths, so that a mean keeps its fractions. */
  const mean = (sum: bigint | undefined, unit = 1n): bigint | null =>
    calls === 0n || sum === undefined ? null : scaleNano(sum * 1_000_000_000n, 1n, calls * unit);
  const outputTokens = mean(usage?.output_tokens);
  const seconds = mean(usage?.duration_us, 1_000_000n);

  const line = (
    name: EstimateLine['price'],
    unitNano: bigint,
    quantity: bigint | null,
    from: EstimateLine['from'],
  ): EstimateLine & { readonly nano: bigint } => {
    const nano = scaleNano(unitNano, quantity ?? 0n, 1_000_000_000n);
    return {
      price: name,
      unitPrice: nanoText(unitNano),
      quantity: nanoText(quantity ?? 0n),
      cost: nanoText(nano),
      from: quantity === null ? 'unknown' : from,
      nano,
    };
  };
  const whole = (count: number): bigint => BigInt(count) * 1_000_000_000n;
  const lines = [
    line('per_call', price.perCallNano, whole(1), 'fixed'),
    line('per_token_input', price.perTokenInputNano, whole(inputTokens), 'counted'),
    line('per_token_output', price.perTokenOutputNano, outputTokens, 'recorded'),
    line('per_second', price.perSecondNano, seconds, 'recorded'),
  ];
  const text = (value: bigint | null): string | null => (value === null ? null : nanoText(value));
  return {
    currency: list.currency,
    priceVersion: version,
    pricedBy: price.by,
    cost: nanoText(lines.reduce((sum, { nano }) => sum + nano, 0n)),
    lines: lines.map(({ nano: _nano, ...rest }) => rest),
    tokenizer: context.tokens.name,
    recorded: {
      days: recordedDays,
      calls: Number(calls),
      inputTokens: text(mean(usage?.input_tokens)),
      outputTokens: text(outputTokens),
      seconds: text(seconds),
      latencyMs: latency.calls === 0 ? null : { p50: latency.p50 / 1000, p95: latency.p95 / 1000, p99: latency.p99 / 1000 },
    },
  };
}
