import { z } from '@hono/zod-openapi';
import { deletePrice, findPrice, listPriceEntries, putPrice, type PriceEntries, type PriceView } from '../control/prices/price-entries.ts';
import type { PricesChanged } from '../control/prices/change-prices.ts';
import { nanoText } from '../kernel/nano.ts';
import { priceFields, type PriceEntry, type PriceField } from '../kernel/price-list.ts';
import { exactNumber } from './exact-number.ts';
import { expectedVersion, ifMatchHeaders } from './if-match.ts';
import { effectBody, effectSchema, entryOf, prices, shownPrices } from './price-routes.ts';
import { body, json, route, type Api } from './route.ts';
import { pageMembers, pageOfWhole, wholeListQuery } from './whole-list.ts';

const about = '`default`, SERVER, or SERVER/TOOL with its slash escaped.';
const name = z.string().min(1).max(320).openapi({ description: about, example: 'search/query' });
const params = z.object({ name });
const query = z.object({ dry_run: z.enum(['true', 'false']).default('false').openapi({ description: 'Say whether it could be done, change nothing.' }) });
const spec = z.strictObject(prices).openapi('PriceSpec', { description: 'What is left out is taken from the next wider price: tool, server, default.' });

const priceSchema = z
  .object({
    name,
    spec: z.object(shownPrices),
    currency: z.string(),
    source: z.enum(['file', 'registry']),
    file: z.string().nullable().openapi({ description: 'The file that says the prices, where one does: changes are made there.' }),
    line: z.number().int().nullable().openapi({ description: 'Where it stands in that file.' }),
    version: z.number().int().openapi({ description: 'Of the list that it is in: what a change sends as `If-Match`.' }),
  })
  .openapi('Price');
const changed = z.object({ outcome: z.enum(['changed', 'unchanged', 'planned']), version: z.number().int(), effect: effectSchema });

/** Prices one by one; each change makes another version of the list. */
export function priceEntryRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/prices',
      permission: 'costs.read',
      ofGateway: true,
      tags: ['costs'],
      summary: 'List prices',
      description: 'Those of the list that holds. `GET /v1/costs/prices` has the list with its versions.',
      request: { query: z.strictObject(wholeListQuery(['name'])) },
      responses: { 200: json(z.object({ prices: z.array(priceSchema), ...pageMembers }), 'A page of prices.') },
    }),
    async (c) => {
      const list = await listPriceEntries(c.var.context());
      c.header('ETag', `"${list.newest}"`);
      const page = pageOfWhole(list.entries, c.req.valid('query'), { id: ({ name: called }) => called, texts: ({ name: called }) => [called], keys: {} });
      return c.json({ prices: page.items.map((view) => priceBody(list, view)), cursor: page.cursor, has_more: page.cursor !== null }, 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/prices/{name}',
      permission: 'costs.read',
      ofGateway: true,
      tags: ['costs'],
      summary: 'One price',
      description: 'The ETag is what a change sends as `If-Match`.',
      request: { params },
      responses: { 200: json(z.object({ price: priceSchema }), 'The price.') },
    }),
    async (c) => {
      const list = await listPriceEntries(c.var.context());
      const view = findPrice(list, c.req.valid('param').name);
      c.header('ETag', `"${list.newest}"`);
      return c.json({ price: priceBody(list, view) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/prices',
      permission: 'prices.write',
      tags: ['costs'],
      summary: 'Make a price',
      description: 'From now on; calls that were made keep theirs. Refused where gateway.yaml has `pricing`.',
      request: { query, body: body(z.strictObject({ name, spec })) },
      responses: { 200: json(changed, 'As it would be.'), 201: json(changed, 'The version of the list that has it.') },
    }),
    async (c) => {
      const { name: wanted, spec: said } = c.req.valid('json');
      const dryRun = c.req.valid('query').dry_run === 'true';
      const made = await putPrice(c.var.context(), { name: wanted, entry: entryOf(said), expected: null, dryRun });
      c.header('ETag', `"${made.version.number}"`);
      return c.json(changedBody(made), dryRun ? 200 : 201);
    },
  );
  api.openapi(
    route({
      method: 'put',
      path: '/v1/prices/{name}',
      permission: 'prices.write',
      tags: ['costs'],
      summary: 'Change a price',
      description: 'The whole of it, from now on.',
      request: { params, query, headers: ifMatchHeaders, body: body(z.strictObject({ spec })) },
      responses: { 200: json(changed, 'The version of the list that has it, or would.') },
    }),
    async (c) => {
      const made = await putPrice(c.var.context(), {
        name: c.req.valid('param').name,
        entry: entryOf(c.req.valid('json').spec),
        expected: expectedVersion(c.req.valid('header')['if-match']),
        dryRun: c.req.valid('query').dry_run === 'true',
      });
      c.header('ETag', `"${made.version.number}"`);
      return c.json(changedBody(made), 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/prices/{name}',
      permission: 'prices.write',
      tags: ['costs'],
      summary: 'Delete a price',
      description: 'From now on. Of the default: calls that nothing else prices have none.',
      request: { params, query, headers: ifMatchHeaders },
      responses: { 200: json(changed, 'The version of the list without it.') },
    }),
    async (c) => {
      const made = await deletePrice(c.var.context(), {
        name: c.req.valid('param').name,
        expected: expectedVersion(c.req.valid('header')['if-match']),
        dryRun: c.req.valid('query').dry_run === 'true',
      });
      return c.json(changedBody(made), 200);
    },
  );
}

function priceBody({ currency, file, newest }: PriceEntries, { name: called, entry, line }: PriceView): z.infer<typeof priceSchema> {
  return { name: called, spec: shown(entry), currency, source: file === null ? 'registry' : 'file', file, line, version: newest };
}

function shown(entry: PriceEntry): z.infer<typeof priceSchema>['spec'] {
  const fields = Object.entries(priceFields) as [PriceField, (typeof priceFields)[PriceField]][];
  return Object.fromEntries(fields.flatMap(([field, written]) => (entry[field] === undefined ? [] : [[written, exactNumber(nanoText(entry[field]))]])));
}

function changedBody({ outcome, version, effect }: PricesChanged): z.infer<typeof changed> {
  return { outcome, version: version.number, effect: effectBody(effect) };
}
