import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { keyDetail } from './key-detail.ts';

export const keysGet: Command = async (context) => {
  const {
    arguments: [id = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  const { key } = readAnswer(answers.key, await client.request('GET', `/v1/auth/keys/${encodeURIComponent(id)}`), client.where);
  out.result(key, () => keyDetail(key, out));
  return undefined;
};
