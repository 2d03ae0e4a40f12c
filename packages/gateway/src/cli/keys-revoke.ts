import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';

export const keysRevoke: Command = async (context) => {
  const {
    arguments: [id = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  const { key } = readAnswer(answers.key, await client.request('DELETE', `/v1/auth/keys/${encodeURIComponent(id)}`), client.where);
  out.result(key, () => `⊘ ${plain(key.id)} (${plain(key.name)}) is revoked: no worker accepts it any more.`);
  return undefined;
};
