import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { showSecret } from './show-secret.ts';
import { parseWhen } from './when.ts';

export const keysRotate: Command = async (context) => {
  const {
    arguments: [id = ''],
    options,
    out,
  } = context;
  const client = openGatewayClient(context);
  const graceMs = parseWhen(options.text('grace') ?? '24h', 0, 1, '--grace');
  const query = { grace_seconds: String(Math.floor(graceMs / 1000)) };
  showSecret(readAnswer(answers.keyWithSecret, await client.request('POST', `/v1/auth/keys/${encodeURIComponent(id)}/rotate`, { query }), client.where), out);
  out.note(graceMs === 0 ? 'The old secret is refused from now on.' : `The old secret stays good for ${options.text('grace') ?? '24 hours'}.`);
  return undefined;
};
