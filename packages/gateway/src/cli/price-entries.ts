import { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import { priceFields } from '../kernel/price-list.ts';
import { readAnswer } from './answers.ts';
import type { Command, CommandContext } from './command.ts';
import { openGatewayClient, type GatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { priceText } from './say.ts';
import { table } from './table.ts';

const amounts = Object.values(priceFields);
const priceView = z.looseObject({
  name: z.string(),
  spec: z.record(z.string(), z.number()),
  currency: z.string(),
  source: z.string(),
  file: z.string().nullable(),
  line: z.number().nullable().default(null),
  version: z.number(),
});
type Price = z.infer<typeof priceView>;

export const pricesList: Command = async (context) => {
  const { out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/prices');
  const { prices } = readAnswer(z.looseObject({ prices: z.array(priceView) }), answer, client.where);
  out.list(answer, prices, () => pricesTable(prices, out.paint.dim));
  return undefined;
};

export const pricesGet: Command = async (context) => {
  const { out } = context;
  const client = openGatewayClient(context);
  const price = await priceOf(client, context.arguments[0] ?? '');
  out.result(price, () => pricesTable([price], out.paint.dim));
  return undefined;
};

export const pricesCreate: Command = async (context) => {
  const client = openGatewayClient(context);
  const [name = ''] = context.arguments;
  const answer = await client.request('POST', '/v1/prices', { query: dryRun(context), body: { name, spec: specOf(context, {}) } });
  return said(context, client, name, answer, 'holds');
};

export const pricesUpdate: Command = async (context) => {
  const client = openGatewayClient(context);
  const [name = ''] = context.arguments;
  const { spec, version } = await priceOf(client, name);
  const answer = await client.request('PUT', pathOf(name), {
    query: dryRun(context),
    headers: { 'if-match': `"${version}"` },
    body: { spec: specOf(context, spec) },
  });
  return said(context, client, name, answer, 'holds');
};

export const pricesDelete: Command = async (context) => {
  const client = openGatewayClient(context);
  const [name = ''] = context.arguments;
  const { version } = await priceOf(client, name);
  const answer = await client.request('DELETE', pathOf(name), { query: dryRun(context), headers: { 'if-match': `"${version}"` } });
  return said(context, client, name, answer, 'is gone');
};

function pathOf(name: string): string {
  return `/v1/prices/${encodeURIComponent(name)}`;
}

function dryRun({ options }: CommandContext): { readonly dry_run: string } {
  return { dry_run: String(options.on('dry-run')) };
}

async function priceOf(client: GatewayClient, name: string): Promise<Price> {
  return readAnswer(z.looseObject({ price: priceView }), await client.request('GET', pathOf(name)), client.where).price;
}

/** Amounts that were named, as text: a number would be rounded; `none` takes one away. */
function specOf({ options }: CommandContext, before: Readonly<Record<string, number>>): Readonly<Record<string, string | number>> {
  const named = amounts.flatMap((amount) => {
    const value = options.text(amount.replaceAll('_', '-'));
    return value === undefined ? [] : [[amount, value] as const];
  });
  if (named.length === 0) throw new Fault('usage', { reason: `Name an amount: ${amounts.map((amount) => `--${amount.replaceAll('_', '-')}`).join(', ')}.` });
  return Object.fromEntries([...Object.entries(before), ...named].filter(([, value]) => value !== 'none'));
}

function said({ out }: CommandContext, client: GatewayClient, name: string, answer: unknown, done: string): undefined {
  const { outcome, version } = readAnswer(z.looseObject({ outcome: z.enum(['changed', 'unchanged', 'planned']), version: z.number() }), answer, client.where);
  const texts = {
    changed: `✓ The price of ${plain(name)} ${done}, by version ${version} of the list.`,
    unchanged: `The price of ${plain(name)} is so already.`,
    planned: `The price of ${plain(name)}: it could be done.`,
  };
  out.result(answer, () => texts[outcome]);
  return undefined;
}

function pricesTable(prices: readonly Price[], dim: (text: string) => string): string {
  return table(
    [
      { title: 'NAME' },
      ...amounts.map((amount) => ({ title: amount.replaceAll('_', ' ').toUpperCase(), align: 'right' as const })),
      { title: 'CURRENCY' },
      { title: 'WHERE' },
    ],
    prices.map(({ name, spec, currency, file, line, version }) => [
      plain(name, 60),
      ...amounts.map((amount) => priceText(spec[amount] ?? null)),
      currency,
      plain(file === null ? `made here, version ${version}` : line === null ? file : `${file}:${line}`, 60),
    ]),
    dim,
  );
}
