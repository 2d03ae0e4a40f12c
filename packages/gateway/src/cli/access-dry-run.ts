import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { parseYamlSource } from '../config/yaml-source.ts';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { readAnswer } from './answers.ts';
import type { Command, CommandContext } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { ruleOf } from './policies-set.ts';
import { countText, timeText } from './say.ts';
import { table } from './table.ts';
import { parseCount } from './when.ts';

const sum = z.looseObject({ calls: z.number(), callers: z.number() });
const text = z.string().nullable();
const dryRunAnswer = z.looseObject({
  dry_run: z.looseObject({
    start_time: z.string(),
    calls: z.number(),
    unknown_callers_calls: z.number(),
    truncated: z.boolean(),
    denied: sum,
    held: sum,
    allowed: sum,
    depends: sum,
    groups: z.array(
      z.looseObject({
        outcome: z.enum(['denied', 'held', 'allowed', 'depends']),
        before: text,
        calls: z.number(),
        key_id: text,
        user_id: text,
        agent_name: text,
        server: z.string(),
        name: z.string(),
        last_time: z.string(),
        trace_id: z.string(),
      }),
    ),
  }),
});

const words = { denied: '⊘ denied', held: '⏸ held', allowed: '✓ allowed', depends: '? depends' } as const;

export const accessDryRun: Command = async (context) => {
  const { options, out } = context;
  const days = options.text('days');
  const body = {
    ...changeOf(context),
    remove: options.list('remove'),
    ...(days === undefined ? {} : { days: parseCount(days, 1, bounds.dryRunDaysMax, '--days') }),
  };
  const client = openGatewayClient(context);
  const answer = await client.request('POST', '/v1/access/dry-run', { body });
  const { dry_run: found } = readAnswer(dryRunAnswer, answer, client.where);
  out.result(found, () => {
    const { denied, held, allowed, depends } = found;
    const by = ({ calls, callers }: typeof denied, noun = 'call'): string => `${countText(calls, noun)} by ${countText(callers, 'caller')}`;
    return [
      `Of ${countText(found.calls, 'call')} since ${timeText(found.start_time)}${found.truncated ? ' (there were more)' : ''}:`,
      `  ⊘ would be denied: ${by(denied)}`,
      `  ⏸ would be held: ${by(held)}`,
      `  ✓ would be let through: ${by(allowed)}`,
      ...(depends.calls === 0 ? [] : [`  ? depends on what the call said, from where or when: ${by(depends)}`]),
      ...(found.unknown_callers_calls === 0 ? [] : [`  ${countText(found.unknown_callers_calls, 'call')} by keys that are not there any more were left out.`]),
      ...(found.groups.length === 0
        ? []
        : [
            '',
            table(
              [
                { title: '' },
                { title: 'CALLS', align: 'right' },
                { title: 'CALLER' },
                { title: 'OF' },
                { title: 'NOW' },
                { title: 'LAST' },
                { title: 'TRACE' },
              ],
              found.groups.map((one) => [
                words[one.outcome],
                String(one.calls),
                plain(one.user_id ?? one.agent_name ?? one.key_id ?? 'anonymous', 40),
                plain(`${one.server}/${one.name}`, 60),
                one.before ?? '?',
                timeText(one.last_time),
                one.trace_id,
              ]),
              out.paint.dim,
            ),
          ]),
    ].join('\n');
  });
  return undefined;
};

/** FILE: the whole list; FILE and --policy: that rule of it; --policy with --effect: the rule that the options say. Faults: `usage`. */
function changeOf({ arguments: [file], options, cwd }: CommandContext): Readonly<Record<string, unknown>> {
  const name = options.text('policy');
  if (file === undefined) {
    if (name !== undefined) return { put: [{ name, ...ruleOf(options) }] };
    if (options.list('remove').length > 0) return {};
    throw new Fault('usage', { reason: 'Say which rules: a FILE with policies, --policy NAME with --effect, or --remove NAME.' });
  }
  if (options.text('effect') !== undefined) throw new Fault('usage', { reason: 'Name a FILE, or say a rule with --effect, not both.' });
  const policies = readPolicies(file, resolve(cwd, file));
  if (name === undefined) return { policies };
  const rule = policies.find((one) => typeof one === 'object' && one !== null && 'name' in one && one.name === name);
  if (rule === undefined) throw new Fault('usage', { reason: `${file} has no policy ${name}.` });
  return { put: [rule] };
}

/** A list of policies, or a file that has one, such as a whole gateway.yaml. */
function readPolicies(name: string, path: string): readonly unknown[] {
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Fault('usage', { reason: `${name} cannot be read${code === undefined ? '' : ` (${code})`}.` }, { cause: error });
  }
  const { value, faults } = parseYamlSource(source);
  const [fault] = faults;
  if (fault !== undefined) throw new Fault('usage', { reason: `${name}, line ${fault.line ?? 1}: ${fault.message}.` });
  const list: unknown = typeof value === 'object' && value !== null && 'policies' in value ? value.policies : value;
  if (!Array.isArray(list)) throw new Fault('usage', { reason: `${name} has no list of policies: it must have the shape of \`policies\` in gateway.yaml.` });
  return list as readonly unknown[];
}
