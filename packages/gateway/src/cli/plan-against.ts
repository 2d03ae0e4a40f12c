import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import { readAnswer } from './answers.ts';
import type { Command, CommandContext } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { openGatewayClient, type GatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { countText } from './say.ts';

const reach = z.looseObject({ keys: z.number(), tools: z.number(), calls: z.number() });
const radius = z.looseObject({ lost: reach, gained: reach, depends: reach, touched: reach });
const planSchema = z.looseObject({
  base: z.string(),
  changes: z.array(
    z.looseObject({
      kind: z.string(),
      name: z.string(),
      action: z.enum(['add', 'change', 'remove', 'fixed']),
      settings: z.array(z.string()),
      file: z.string().nullable(),
      line: z.number().nullable(),
      radius: radius.nullable(),
    }),
  ),
  summary: z.looseObject({ add: z.number(), change: z.number(), remove: z.number(), fixed: z.number() }),
  radius: radius.extend({ days: z.number(), truncated: z.boolean() }).nullable(),
  others: z.array(z.string()),
});
type Plan = z.infer<typeof planSchema>;

/** What is applied: a document, and what the plan of it stood on. */
const savedSchema = z.strictObject({ gatewayops_plan: z.literal(1), base: z.string(), document: z.string() });

/** `gateway plan --file FILE`: against what runs. Faults: `usage`, and what the gateway refuses. */
export async function planAgainst(context: CommandContext, file: string): Promise<number | undefined> {
  const { options, out, cwd } = context;
  const client = openGatewayClient(context);
  const document = readText(context, file);
  const plan = await askPlan(client, document);
  out.result(plan, () => planText(plan, out.paint));
  const save = options.text('out');
  if (save !== undefined) {
    writeFileSync(resolve(cwd, save), `${JSON.stringify({ gatewayops_plan: 1, base: plan.base, document } satisfies z.infer<typeof savedSchema>, null, 2)}\n`, {
      mode: 0o600,
    });
    out.note(`Apply it with: gateway apply ${save}`);
  } else if (plan.changes.length > 0) out.note(`Apply it with: gateway apply --file ${file}`);
  return options.on('detailed-exitcode') && plan.changes.length > 0 ? exitCodes.usage : undefined;
}

/** `gateway apply`: of a saved plan as it was, or of a document with its plan shown first. */
export const apply: Command = async (context) => {
  const {
    options,
    out,
    arguments: [saved],
  } = context;
  const file = options.text('file');
  if ((saved === undefined) === (file === undefined)) throw new Fault('usage', { reason: 'Name a plan that was saved (gateway plan --out), or --file FILE.' });
  const client = openGatewayClient(context);
  let asked: { readonly document: string; readonly base: string };
  if (saved !== undefined) asked = readSaved(context, saved);
  else {
    const document = readText(context, file ?? '');
    const plan = await askPlan(client, document);
    out.note(planText(plan, out.paint));
    if (plan.changes.length > 0) await confirm(context);
    asked = { document, base: plan.base };
  }
  const answer = await client.request('POST', '/v1/config/apply', { body: asked });
  const { outcome, plan } = readAnswer(z.looseObject({ outcome: z.enum(['applied', 'unchanged']), plan: planSchema }), answer, client.where);
  out.result(answer, () => (outcome === 'unchanged' ? 'It is so already.' : `✓ ${summaryText(plan)}: it is so, on every node within a second.`));
  return undefined;
};

async function askPlan(client: GatewayClient, document: string): Promise<Plan> {
  const answer = await client.request('POST', '/v1/config/plan', { body: { document } });
  return readAnswer(z.looseObject({ plan: planSchema }), answer, client.where).plan;
}

async function confirm({ options }: CommandContext): Promise<void> {
  if (options.on('yes')) return;
  if (!process.stdin.isTTY) throw new Fault('usage', { reason: 'Give --yes: nobody is there to be asked.' });
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    if (!/^y(?:es)?$/i.test((await lines.question('Apply it? Only yes does: ')).trim())) throw new Fault('usage', { reason: 'Nothing was applied.' });
  } finally {
    lines.close();
  }
}

function readText({ cwd }: CommandContext, file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : resolve(cwd, file), 'utf8');
  } catch (error) {
    throw new Fault('usage', { reason: `${file} cannot be read.` }, { cause: error });
  }
}

function readSaved(context: CommandContext, file: string): { readonly document: string; readonly base: string } {
  const text = readText(context, file);
  try {
    const { document, base } = savedSchema.parse(JSON.parse(text));
    return { document, base };
  } catch (error) {
    throw new Fault('usage', { reason: `${file} is no plan as \`gateway plan --out\` saves it; a document is named with --file.` }, { cause: error });
  }
}

const signs = { add: '+', change: '~', remove: '-', fixed: '!' } as const;

function planText({ changes, summary, radius: whole, others, ...plan }: Plan, paint: CommandContext['out']['paint']): string {
  const title = ({ kind, name }: Plan['changes'][number]): string => `${kind.replaceAll('_', '-')}/${plain(name, 120)}`;
  const width = Math.max(0, ...changes.map((change) => title(change).length));
  const lines = changes.map((change) => {
    const { action, settings, file, line, radius: own } = change;
    const what =
      action === 'fixed'
        ? `${plain(file ?? '', 400)}${line === null ? '' : `:${line}`} says otherwise (${settings.map((one) => plain(one)).join(', ')}) and is to be changed itself`
        : settings.map((one) => plain(one)).join(', ');
    return [`${signs[action]} ${title(change).padEnd(width)}`, what, own === null ? '' : radiusText(own)].filter((part) => part !== '').join('   ');
  });
  if (changes.length === 0) lines.push('Nothing to change.');
  else {
    lines.push('', `Plan: ${summaryText({ changes, summary, radius: whole, others, ...plan })}.`);
    if (whole !== null)
      lines.push(`Of the calls of the last ${whole.days} days${whole.truncated ? ' (there were more)' : ''}: ${radiusText(whole) || 'none is touched'}.`);
    else lines.push(paint.dim('What it would do to the calls of the last days is not known now: the ledger does not say.'));
  }
  if (others.length > 0) lines.push(paint.dim(`Only the file of the gateway says: ${others.map((one) => plain(one)).join(', ')}. They are not applied.`));
  return lines.join('\n');
}

function summaryText({ summary: { add, change, remove, fixed } }: Plan): string {
  return `${add} to add, ${change} to change, ${remove} to remove${fixed === 0 ? '' : `, ${fixed} to be changed in the file`}`;
}

function radiusText({ lost, gained, depends, touched }: z.infer<typeof radius>): string {
  const said = (verb: string, { keys, tools, calls }: z.infer<typeof reach>): string[] =>
    calls === 0
      ? []
      : [
          `${countText(keys, 'key')} ${keys === 1 ? verb.replace('lose', 'loses').replace('gain', 'gains') : verb} ${countText(tools, 'tool')}, ${countText(calls, 'call')}`,
        ];
  return [
    ...said('lose', lost),
    ...said('gain', gained),
    ...(depends.calls === 0 ? [] : [`${countText(depends.calls, 'call')} by what they say`]),
    ...(touched.calls === 0 ? [] : [`${countText(touched.calls, 'call')} of ${countText(touched.keys, 'key')} go by it`]),
  ].join('; ');
}
