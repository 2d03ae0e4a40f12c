import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { serverText } from './server-text.ts';

export const serversGet: Command = async (context) => {
  const {
    arguments: [name = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  const { server } = readAnswer(answers.server, await client.request('GET', `/v1/servers/${encodeURIComponent(name)}`), client.where);
  out.result(server, () => serverText(server, out.paint));
  return undefined;
};
