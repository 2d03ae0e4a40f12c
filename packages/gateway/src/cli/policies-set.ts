import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command, OptionValues } from './command.ts';
import { openGatewayClient, type GatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { parseWhen } from './when.ts';

export const policiesSet: Command = async (context) => {
  const {
    arguments: [name = ''],
    options,
    out,
  } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('PUT', policyPath(name), {
    query: { dry_run: String(options.on('dry-run')) },
    body: ruleOf(options),
    headers: { 'if-match': `"${await versionOf(client, name)}"` },
  });
  const { outcome, policy } = readAnswer(answers.policyPut, answer, client.where);
  const said = {
    created: `✓ ${plain(policy.name)} holds, on every node within a second.`,
    changed: `✓ ${plain(policy.name)} holds as it is now, on every node within a second.`,
    unchanged: `${plain(policy.name)} is so already.`,
    planned: `${plain(policy.name)} could be made so.`,
  };
  out.result(answer, () => said[outcome]);
  return undefined;
};

/** The rule that the options say, without its name. Faults: `usage`. */
export function ruleOf(options: OptionValues): Readonly<Record<string, unknown>> {
  const effect = options.text('effect');
  if (effect === undefined) throw new Fault('usage', { reason: 'Say what the rule does: --effect allow, deny or hold.' });
  const list = (option: string, member: string): object => (options.list(option).length === 0 ? {} : { [member]: options.list(option) });
  const text = (option: string): object => (options.text(option) === undefined ? {} : { [option]: options.text(option) });
  const until = options.text('until');
  return {
    effect,
    ...list('to', 'to'),
    ...list('server', 'servers'),
    ...list('tool', 'tools'),
    ...list('resource', 'resources'),
    ...list('prompt', 'prompts'),
    ...list('action', 'actions'),
    ...text('when'),
    ...text('reason'),
    ...(until === undefined ? {} : { until: new Date(parseWhen(until, Date.now(), 1, '--until')).toISOString() }),
  };
}

export const policiesDelete: Command = async (context) => {
  const {
    arguments: [name = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  await client.request('DELETE', policyPath(name), { headers: { 'if-match': `"${await versionOf(client, name)}"` } });
  out.result({ deleted: name }, () => `✓ ${plain(name)} is gone, on every node within a second.`);
  return undefined;
};

function policyPath(name: string): string {
  return `/v1/policies/${encodeURIComponent(name)}`;
}

/** 0 for one that is not in the registry. */
async function versionOf(client: GatewayClient, name: string): Promise<number> {
  const { policies } = readAnswer(answers.policies, await client.request('GET', '/v1/policies'), client.where);
  return policies.find((policy) => policy.name === name && policy.source === 'registry')?.version ?? 0;
}
