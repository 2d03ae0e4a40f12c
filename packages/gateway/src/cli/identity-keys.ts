import { z } from 'zod';
import { readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';

const answerView = z.looseObject({
  keys: z.array(
    z.looseObject({
      id: z.string(),
      node: z.string(),
      state: z.string(),
      created_at: z.string(),
      signs_since: z.string().nullable(),
      until: z.string().nullable(),
    }),
  ),
});

export const identityKeys: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const answer = await (options.on('rotate') ? client.request('POST', '/v1/identity/token-keys/rotate') : client.request('GET', '/v1/identity/token-keys'));
  const { keys } = readAnswer(answerView, answer, client.where);
  out.list(answer, keys, () =>
    keys.length === 0
      ? 'No key yet: the first is made with the first token. The gateway gives out tokens with identity.authorization_server: docs/guides/oauth.md.'
      : table(
          [{ title: 'KEY' }, { title: 'STATE' }, { title: 'NODE' }, { title: 'MADE (UTC)' }, { title: 'SIGNS SINCE' }, { title: 'UNTIL' }],
          keys.map((key) => [
            plain(key.id),
            plain(key.state),
            plain(key.node),
            timeText(key.created_at),
            key.signs_since === null ? '' : timeText(key.signs_since),
            key.until === null ? '' : timeText(key.until),
          ]),
          out.paint.dim,
        ),
  );
  return undefined;
};
