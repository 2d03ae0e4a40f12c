import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';

export const adminLink: Command = async (context) => {
  const client = openGatewayClient(context);
  const link = readAnswer(answers.adminLink, await client.request('POST', '/v1/auth/admin-links'), client.where);
  context.out.result(link, () => plain(link.url, 4096));
  context.out.note(`Opens one administrator session, once, until ${timeText(link.expires_at)} UTC.`);
  return undefined;
};
