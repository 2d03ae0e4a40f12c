import { answers, readAnswer } from './answers.ts';
import type { Command, OptionValues } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { showSecret } from './show-secret.ts';
import { parseWhen } from './when.ts';

const expiresDefault = '90d';

/** With -o json: the key object itself, its secret in it. */
export const keysCreate: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('POST', '/v1/auth/keys', { body: keyRequest(options, Date.now()) });
  showSecret(readAnswer(answers.keyWithSecret, answer, client.where), out);
  return undefined;
};

function keyRequest(options: OptionValues, nowMs: number): Record<string, unknown> {
  const expires = options.text('expires') ?? expiresDefault;
  const servers = options.list('server');
  const actions = options.list('action');
  const metadata = Object.entries({
    team_id: options.text('team'),
    project_id: options.text('project'),
    user_id: options.text('user'),
    service_account_id: options.text('service-account'),
    agent: options.text('agent'),
  }).filter(([, value]) => value !== undefined);
  const environment = options.text('environment');
  return {
    name: options.text('name'),
    ...(environment === undefined ? {} : { environment }),
    expires_at: expires === 'never' ? null : new Date(parseWhen(expires, nowMs, 1, '--expires')).toISOString(),
    scopes: { ...(servers.length === 0 ? {} : { mcp_servers: servers }), ...(actions.length === 0 ? {} : { actions }) },
    metadata: Object.fromEntries(metadata),
  };
}
