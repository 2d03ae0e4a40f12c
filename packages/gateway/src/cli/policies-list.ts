import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';

const shownMax = 60;

export const policiesList: Command = async (context) => {
  const { out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/policies');
  const { policies } = readAnswer(answers.policies, answer, client.where);
  out.list(answer, policies, () =>
    policies.length === 0
      ? 'No policies, so nobody may call anything. Allow it with: gateway policies set members-may-call --effect allow --to members'
      : table(
          [{ title: 'NAME' }, { title: 'EFFECT' }, { title: 'TO' }, { title: 'ON' }, { title: 'WHEN' }, { title: 'UNTIL' }, { title: 'FROM' }],
          policies.map((policy) => [
            plain(policy.name),
            policy.effect,
            plain(policy.to.join(' '), shownMax),
            plain(thingsText(policy), shownMax),
            plain(policy.when ?? 'always', shownMax),
            policy.until === null ? '–' : timeText(policy.until),
            policy.served ? policy.source : `${policy.source} (rests: gateway.yaml has policies)`,
          ]),
          out.paint.dim,
        ),
  );
  return undefined;
};

export const policiesGet: Command = async (context) => {
  const {
    arguments: [name = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  const { policy } = readAnswer(answers.policy, await client.request('GET', `/v1/policies/${encodeURIComponent(name)}`), client.where);
  out.result(policy, () =>
    [
      ['name', plain(policy.name)],
      ['effect', policy.effect],
      ['to', plain(policy.to.join(' '), 1000)],
      ['on', plain(thingsText(policy), 1000)],
      ['when', plain(policy.when ?? 'always', 1000)],
      ['until', policy.until === null ? '–' : timeText(policy.until)],
      ['from', policy.source],
      ['version', policy.version === null ? '–' : String(policy.version)],
    ]
      .map(([title = '', value = '']) => `${out.paint.dim(title.padEnd(7))}  ${value}`)
      .join('\n'),
  );
  return undefined;
};

interface Things {
  readonly servers: readonly string[];
  readonly tools: readonly string[] | null;
  readonly resources: readonly string[] | null;
  readonly prompts: readonly string[] | null;
}

function thingsText({ servers, tools, resources, prompts }: Things): string {
  const named = [...(tools ?? []), ...(resources ?? []).map((uri) => `resource ${uri}`), ...(prompts ?? []).map((name) => `prompt ${name}`)];
  return named.length === 0 ? servers.join(' ') : `${servers.join(' ')} / ${named.join(' ')}`;
}
