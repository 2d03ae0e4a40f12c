import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { showSecret } from './show-secret.ts';

export const keysRotate: Command = async (context) => {
  const {
    arguments: [id = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  showSecret(readAnswer(answers.keyWithSecret, await client.request('POST', `/v1/auth/keys/${encodeURIComponent(id)}/rotate`), client.where), out);
  out.note('The old secret stays good for 24 hours.');
  return undefined;
};
