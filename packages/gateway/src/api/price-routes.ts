import { z } from '@hono/zod-openapi';
import { estimateCost } from '../control/costs/estimate-cost.ts';
import { changePrices } from '../control/prices/change-prices.ts';
import { listPrices } from '../control/prices/list-prices.ts';
import type { PriceEffect } from '../control/prices/price-effect.ts';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { nanoText, parseNano } from '../kernel/nano.ts';
import { priceFields, writePrices, type PriceEntry, type PriceField, type PriceList } from '../kernel/price-list.ts';
import type { PriceVersion } from '../store/registry/registry-store.ts';
import { actorNameSchema, withActorName, withActorNames } from './actor-names.ts';
import { amount } from './cost-shape.ts';
import { exactNumber } from './exact-number.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';

/** The price list and its versions, and what a call would cost by it. */
export function priceRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/costs/prices',
      permission: 'costs.read',
      ofGateway: true,
      tags: ['costs'],
      summary: 'The price list that holds, and its versions',
      description: 'The ETag is what a change sends as `If-Match`.',
      request: {
        query: z.object({
          limit: z.coerce.number().int().min(1).max(bounds.priceVersionsListMax).default(50),
          cursor: z
            .string()
            .regex(/^\d{1,15}$/, 'it is none of this list')
            .optional()
            .openapi({ description: 'Where the page of versions begins; the page before names it.' }),
        }),
      },
      responses: { 200: json(pricesSchema, 'What holds, and every version, newest first.') },
    }),
    async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const page = await listPrices(c.var.context(), { before: cursor === undefined ? null : Number(cursor), limit });
      c.header('ETag', `"${page.newest}"`);
      return c.json(
        {
          prices: {
            ...listBody(page.served.list),
            version: page.served.version,
            managed_by: page.file === null ? ('api' as const) : ('file' as const),
            file: page.file,
          },
          versions: await withActorNames(c.var.context(), page.history.map(versionBody)),
          cursor: page.before === null ? null : String(page.before),
          has_more: page.before !== null,
        },
        200,
      );
    },
  );
  api.openapi(
    route({
      method: 'put',
      path: '/v1/costs/prices',
      permission: 'prices.write',
      tags: ['costs'],
      summary: 'Set the price list, now or from a time to come',
      description:
        'The whole list: what it leaves out has no price. Calls that were made keep theirs. Refused where gateway.yaml has `pricing`. `If-Match` is the ETag of `GET /v1/costs/prices`.',
      request: {
        query: z.object({ dry_run: z.enum(['true', 'false']).default('false').openapi({ description: 'Say what would change, change nothing.' }) }),
        headers: z.object({ 'if-match': z.string().optional().openapi({ description: 'The ETag that was read.', example: '"3"' }) }),
        body: body(putSchema),
      },
      responses: { 200: json(changedSchema, 'What was changed, or would be, and its effect.') },
    }),
    async (c) => {
      const match = c.req.valid('header')['if-match'];
      if (match === undefined) throw new Fault('precondition_required');
      const expected = /^"(\d{1,15})"$/.exec(match)?.[1];
      if (expected === undefined) throw new Fault('invalid_request', { reason: 'If-Match must be the ETag of GET /v1/costs/prices, such as "3"' });
      const { effective_from: effectiveFrom, ...written } = c.req.valid('json');
      const result = await changePrices(c.var.context(), {
        list: listOf(written),
        effectiveFromMs: effectiveFrom === undefined ? null : Date.parse(effectiveFrom),
        expected: Number(expected),
        dryRun: c.req.valid('query').dry_run === 'true',
      });
      const { version, effect } = result;
      c.header('ETag', `"${result.outcome === 'changed' ? version.number : expected}"`);
      return c.json(
        {
          outcome: result.outcome,
          version: await withActorName(c.var.context(), versionBody(version)),
          changes: result.changes.map(({ server, tool, price, from, to }) => ({ server, tool, price, from: optional(from), to: optional(to) })),
          effect: effectBody(effect),
        },
        200,
      );
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/costs/estimate',
      permission: 'costs.read',
      changesNothing: true,
      tags: ['costs'],
      summary: 'What a call would cost',
      description:
        'Nothing is called. Tokens of the arguments are counted; those of the result, and the seconds, are the means of the calls of this tool of the last 30 days.',
      request: {
        body: body(
          z.strictObject({
            server: z.string().min(1).max(63).openapi({ example: 'search' }),
            tool: z.string().min(1).max(256).openapi({ example: 'query' }),
            arguments: z
              .record(z.string(), z.unknown())
              .default({})
              .openapi({ example: { text: 'hello' } }),
          }),
        ),
      },
      responses: { 200: json(estimateSchema, 'The estimate, line by line.') },
    }),
    async (c) => {
      const { server, tool, arguments: given } = c.req.valid('json');
      const { recorded, ...estimate } = await estimateCost(c.var.context(), { server, tool, arguments: given });
      return c.json(
        {
          estimate: {
            server,
            tool,
            cost: exactNumber(estimate.cost),
            currency: estimate.currency,
            priced_by: estimate.pricedBy,
            price_version: estimate.priceVersion,
            lines: estimate.lines.map((line) => ({
              price: line.price,
              unit_price: exactNumber(line.unitPrice),
              quantity: exactNumber(line.quantity),
              cost: exactNumber(line.cost),
              from: line.from,
            })),
            tokenizer: estimate.tokenizer,
            recorded: {
              days: recorded.days,
              calls: recorded.calls,
              mean_input_tokens: optionalText(recorded.inputTokens),
              mean_output_tokens: optionalText(recorded.outputTokens),
              mean_seconds: optionalText(recorded.seconds),
              latency_ms: recorded.latencyMs && { ...recorded.latencyMs },
            },
          },
        },
        200,
      );
    },
  );
}

const amountError = 'must be an amount from 0 to 9007199 with at most 9 decimals; from a million on send it as text';
const written = z
  .union([z.number(), z.string()], { error: amountError })
  // Six digits and nine decimals are what a JSON number is sure to hold; of more it was rounded before it came here.
  .refine((value) => typeof parseNano(String(value)) === 'bigint' && (typeof value === 'string' || value < 1_000_000), { error: amountError })
  .openapi({ type: 'number', description: 'Amount, as a number or as a decimal text.', example: 0.001 });
/** The amounts of one entry as they are written. */
export const prices = Object.fromEntries(Object.values(priceFields).map((name) => [name, written.optional()])) as Record<
  (typeof priceFields)[PriceField],
  z.ZodOptional<typeof written>
>;
const putSchema = z
  .strictObject({
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'a currency is three capital letters')
      .default('USD'),
    default: z.strictObject(prices).default({}),
    overrides: z
      .array(
        z.strictObject({
          server: z.string().min(1).max(63),
          tool: z.string().min(1).max(256).optional().openapi({ description: 'Without it: every tool of the server.' }),
          ...prices,
        }),
      )
      .max(bounds.priceOverridesMax)
      .default([]),
    effective_from: timeSchema.optional().openapi({ description: 'Now by default; never before now.' }),
  })
  .openapi('PriceListChange');

type WrittenList = Omit<z.output<typeof putSchema>, 'effective_from'>;

function listOf({ currency, default: base, overrides }: WrittenList): PriceList {
  return {
    currency,
    default: entryOf(base),
    overrides: overrides.map((entry) => ({ server: entry.server, tool: entry.tool ?? null, ...entryOf(entry) })),
  };
}

export function entryOf(entry: WrittenList['default']): PriceEntry {
  const amounts = (Object.entries(priceFields) as [PriceField, keyof WrittenList['default']][]).flatMap(([field, name]) => {
    const nano = entry[name] === undefined ? undefined : parseNano(String(entry[name]));
    return typeof nano === 'bigint' ? [[field, nano] as const] : [];
  });
  return Object.fromEntries(amounts);
}

/** The same as they are shown. */
export const shownPrices = {
  per_call: amount.optional(),
  per_token_input: amount.optional(),
  per_token_output: amount.optional(),
  per_second: amount.optional(),
};
const list = {
  currency: z.string(),
  default: z.object(shownPrices).openapi({ description: 'What is left out has no price.' }),
  overrides: z.array(z.object({ server: z.string(), tool: z.string().nullable(), ...shownPrices })),
};
const versionSchema = z
  .object({
    version: z.number().int(),
    source: z.enum(['file', 'api']),
    effective_from: timeSchema,
    created_at: timeSchema,
    created_by: z.string().openapi({ description: 'Id of who set it; `system`: the gateway, from its file.' }),
    created_by_name: actorNameSchema,
    ...list,
  })
  .openapi('PriceVersion');
const pricesSchema = z
  .object({
    prices: z.object({
      ...list,
      version: z.number().int().openapi({ description: 'Each call that it priced names it. 0: nobody has set a list yet.' }),
      managed_by: z.enum(['file', 'api']),
      file: z.string().nullable().openapi({ description: 'The file that says the prices, where one does: changes are made there.' }),
    }),
    versions: z.array(versionSchema),
    cursor: z.string().nullable(),
    has_more: z.boolean(),
  })
  .openapi('Prices');
export const effectSchema = z
  .object({ days: z.number().int(), calls: z.number().int(), cost_before: amount, cost_after: amount, truncated: z.boolean() })
  .nullable()
  .openapi({ description: 'What the calls of the last days cost by the list that holds, and would by this one; null where the ledger cannot say.' });
const changedSchema = z
  .object({
    outcome: z.enum(['changed', 'unchanged', 'planned']),
    version: versionSchema,
    changes: z.array(
      z.object({ server: z.string().nullable(), tool: z.string().nullable(), price: z.string(), from: amount.nullable(), to: amount.nullable() }),
    ),
    effect: effectSchema,
  })
  .openapi('PricesChanged');
const estimateSchema = z
  .object({
    estimate: z.object({
      server: z.string(),
      tool: z.string(),
      cost: amount,
      currency: z.string(),
      priced_by: z.string(),
      price_version: z.number().int(),
      lines: z.array(
        z.object({
          price: z.string(),
          unit_price: amount,
          quantity: z.number(),
          cost: amount,
          from: z.enum(['fixed', 'counted', 'recorded', 'unknown']).openapi({
            description: '`counted`: of these arguments; `recorded`: the mean of past calls of the tool; `unknown`: it has none, so nothing is reckoned.',
          }),
        }),
      ),
      tokenizer: z.string(),
      recorded: z.object({
        days: z.number().int(),
        calls: z.number().int(),
        mean_input_tokens: z.number().nullable(),
        mean_output_tokens: z.number().nullable(),
        mean_seconds: z.number().nullable(),
        latency_ms: z
          .object({ p50: z.number(), p95: z.number(), p99: z.number() })
          .nullable()
          .openapi({ description: 'Of calls that succeeded, each figure within one percent.' }),
      }),
    }),
  })
  .openapi('CostEstimate');

type Shown = { per_call?: number; per_token_input?: number; per_token_output?: number; per_second?: number };

function listBody(prices: PriceList): { currency: string; default: Shown; overrides: (Shown & { server: string; tool: string | null })[] } {
  const { currency, default: base, overrides } = writePrices(prices);
  const shown = (entry: Readonly<Record<string, string | undefined>>): Shown =>
    Object.fromEntries(Object.values(priceFields).flatMap((name) => (entry[name] === undefined ? [] : [[name, exactNumber(entry[name])]])));
  return {
    currency,
    default: shown({ ...base }),
    overrides: overrides.map((entry) => ({ server: entry.server, tool: entry.tool ?? null, ...shown({ ...entry }) })),
  };
}

function versionBody({
  number,
  source,
  list: prices,
  effectiveFromMs,
  createdAtMs,
  createdBy,
}: PriceVersion): Omit<z.infer<typeof versionSchema>, 'created_by_name'> {
  return {
    version: number,
    source,
    effective_from: new Date(effectiveFromMs).toISOString(),
    created_at: new Date(createdAtMs).toISOString(),
    created_by: createdBy,
    ...listBody(prices),
  };
}

export function effectBody(effect: PriceEffect | null): z.infer<typeof effectSchema> {
  return (
    effect && {
      days: effect.days,
      calls: effect.calls,
      cost_before: exactNumber(nanoText(effect.beforeNano)),
      cost_after: exactNumber(nanoText(effect.afterNano)),
      truncated: effect.truncated,
    }
  );
}

function optional(nano: bigint | undefined): number | null {
  return nano === undefined ? null : exactNumber(nanoText(nano));
}

function optionalText(decimal: string | null): number | null {
  return decimal === null ? null : exactNumber(decimal);
}
