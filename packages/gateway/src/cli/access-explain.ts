import type { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { table } from './table.ts';

const bearings: Readonly<Record<string, string>> = {
  speaks: 'is about this call',
  other_caller: 'is for other callers',
  other_server: 'is for other servers',
  other_operation: 'is about something else',
  condition_not_met: 'its condition is not met',
  condition_unknown: 'its condition cannot be told',
  ended: 'has ended',
};

export const accessExplain: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const args = options.text('args');
  const ip = options.text('ip');
  const answer = await client.request('POST', '/v1/access/explain', {
    body: {
      as: options.text('as'),
      ...thingOf(options.text('call'), options.text('read'), options.text('get')),
      ...(args === undefined ? {} : { arguments: argumentsOf(args) }),
      ...(ip === undefined ? {} : { ip }),
    },
  });
  const { explanation } = readAnswer(answers.explanation, answer, client.where);
  out.result(explanation, () => {
    const { decision, hidden, stop, reason, stops, rules, tool, engine, changes } = explanation;
    const word = decision === 'allow' && stop === null ? '✓ would be let through' : decision === 'hold' ? '⏸ would be held' : '⊘ would be refused';
    return [
      `${word}${stop === null ? '' : ` at ${stop}`}: ${plain(reason)}${hidden ? ' (the caller hears that it does not exist)' : ''}`,
      '',
      ...stops.map((one) => `  ${one.outcome === 'pass' ? '✓' : '⊘'} ${one.stop.padEnd(7)} ${plain(one.reason)}`),
      '',
      table(
        [{ title: '' }, { title: 'POLICY' }, { title: 'EFFECT' }, { title: '' }],
        rules.map((one) => [one.decided ? '→' : '', plain(one.name), one.effect, bearings[one.bearing] ?? one.bearing]),
        out.paint.dim,
      ),
      ...(tool === null || tool === undefined ? [] : ['', toolText(tool)]),
      ...(engine === null || engine === undefined ? [] : ['', engineText(engine)]),
      ...(changes.length === 0 ? [] : ['', `What would change it: ${changes.map((one) => plain(one)).join('; or ')}.`]),
    ].join('\n');
  });
  return undefined;
};

type Engine = NonNullable<z.infer<typeof answers.explanation>['explanation']['engine']>;

function engineText({ name, decision, reason, decision_id: decisionId }: Engine): string {
  const said = decision === 'none' ? 'gives no answer that counts' : `says ${decision}`;
  return `The policy engine ${plain(name)} ${said}${reason === null ? '' : `: ${plain(reason)}`}${decisionId === null ? '' : ` (decision ${plain(decisionId)})`}.`;
}

type ListedTool = NonNullable<z.infer<typeof answers.explanation>['explanation']['tool']>;

/** What conditions were told of the tool, and what of it the server did not say itself. */
function toolText({ risk, annotations, said }: ListedTool): string {
  const hints = Object.entries(annotations).map(([name, value]) => `${name} ${String(value)}${said.includes(name) ? '' : ' (not said)'}`);
  return `The tool: risk ${risk}; ${hints.join(', ')}.`;
}

function thingOf(call: string | undefined, read: string | undefined, get: string | undefined): object {
  const given = [
    ['tool', call],
    ['resource', read],
    ['prompt', get],
  ].flatMap(([kind, text]) => (text === undefined ? [] : [{ kind, text }]));
  const [one] = given;
  const slash = one?.text.indexOf('/') ?? -1;
  if (one === undefined || given.length > 1 || slash <= 0 || slash === one.text.length - 1)
    throw new Fault('usage', { reason: 'Say which call: --call SERVER/TOOL, --read SERVER/URI or --get SERVER/PROMPT.' });
  return { kind: one.kind, server: one.text.slice(0, slash), name: one.text.slice(slash + 1) };
}

function argumentsOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new Fault('usage', { reason: '--args must be a JSON object, such as \'{"repo":"x"}\'.' });
}
