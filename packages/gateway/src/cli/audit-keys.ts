import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';

export const auditKeys: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  if (options.on('rotate')) await client.request('POST', '/v1/audit/keys/rotate');
  const answer = await client.request('GET', '/v1/audit/keys');
  const { keys } = readAnswer(answers.auditKeys, answer, client.where);
  out.list(answer, keys, () =>
    table(
      [{ title: 'KEY' }, { title: 'NODE' }, { title: 'SINCE (UTC)' }, { title: 'PUBLIC KEY (Ed25519)' }],
      keys.map((key) => [`${plain(key.id)}${key.current ? ' ✓' : ''}`, plain(key.node), timeText(key.created_at), plain(key.public_key)]),
      out.paint.dim,
    ),
  );
  return undefined;
};
