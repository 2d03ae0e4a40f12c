import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseYamlSource, type YamlSource } from '../config/yaml-source.ts';
import { Fault } from '../kernel/fault.ts';
import { priceFields } from '../kernel/price-list.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { countText, moneyText, priceText, timeText } from './say.ts';
import { table } from './table.ts';
import { parseWhen } from './when.ts';

export const costsSetPrices: Command = async (context) => {
  const {
    arguments: [file = ''],
    options,
    out,
    cwd,
  } = context;
  const list = readList(file, resolve(cwd, file));
  const effective = options.text('effective');
  const from =
    effective === undefined || effective === 'now' ? {} : { effective_from: new Date(parseWhen(effective, Date.now(), 1, '--effective')).toISOString() };
  const client = openGatewayClient(context);
  const before = readAnswer(answers.prices, await client.request('GET', '/v1/costs/prices', { query: { limit: '1' } }), client.where);
  const answer = await client.request('PUT', '/v1/costs/prices', {
    query: { dry_run: String(options.on('dry-run')) },
    body: { ...list, ...from },
    headers: { 'if-match': `"${before.versions[0]?.version ?? 0}"` },
  });
  const { outcome, version, changes, effect } = readAnswer(answers.pricesChanged, answer, client.where);
  out.result(answer, () =>
    [
      outcome === 'unchanged'
        ? 'Nothing changes: these prices hold already.'
        : `Version ${version.version} ${outcome === 'planned' ? 'would hold' : 'holds'} from ${timeText(version.effective_from)}.`,
      ...(changes.length === 0
        ? []
        : [
            table(
              [{ title: 'SERVER' }, { title: 'TOOL' }, { title: 'PRICE' }, { title: 'FROM', align: 'right' }, { title: 'TO', align: 'right' }],
              changes.map(({ server, tool, price, from: was, to }) => [
                plain(server ?? '(default)', 40),
                plain(tool ?? '*', 40),
                plain(price),
                priceText(was),
                priceText(to),
              ]),
              out.paint.dim,
            ),
          ]),
      ...(effect === null || outcome === 'unchanged'
        ? []
        : [
            `The ${countText(effect.calls, 'call')} of the last ${effect.days} days: ${moneyText(effect.cost_before, version.currency)} by the prices before, ${moneyText(effect.cost_after, version.currency)} by these.`,
          ]),
    ].join('\n'),
  );
  return undefined;
};

/** The list as the API takes it; amounts go as they are written, for a number of JSON would be rounded. */
function readList(name: string, path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Fault('usage', { reason: `${name} cannot be read${code === undefined ? '' : ` (${code})`}.` }, { cause: error });
  }
  const source = parseYamlSource(text);
  const [fault] = source.faults;
  if (fault !== undefined) throw new Fault('usage', { reason: `${name}, line ${fault.line ?? 1}: ${fault.message}.` });
  const { value } = source;
  if (!isMap(value)) throw new Fault('usage', { reason: `${name} is no price list: it must have the shape of \`pricing\` in gateway.yaml.` });
  // A whole gateway.yaml is understood too.
  const at = isMap(value['pricing']) ? ['pricing'] : [];
  const list = isMap(value['pricing']) ? value['pricing'] : value;
  const overrides = Array.isArray(list['overrides']) ? (list['overrides'] as unknown[]) : undefined;
  return {
    ...list,
    ...(isMap(list['default']) ? { default: asWritten(source, list['default'], [...at, 'default']) } : {}),
    ...(overrides === undefined
      ? {}
      : { overrides: overrides.map((entry, index) => (isMap(entry) ? asWritten(source, entry, [...at, 'overrides', index]) : entry)) }),
  };
}

const names: ReadonlySet<string> = new Set(Object.values(priceFields));

function asWritten(source: YamlSource, entry: Record<string, unknown>, path: readonly (string | number)[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entry).map(([name, value]) => [name, names.has(name) ? (source.textAt([...path, name]) ?? value) : value]));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
