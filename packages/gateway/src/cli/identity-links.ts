import { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import { readAnswer } from './answers.ts';
import type { Command, CommandContext } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';

const identityView = z.looseObject({ id: z.string(), provider: z.string(), issuer: z.string(), linked_at: z.string() });

export const identityLinks: Command = async (context) => {
  const { out } = context;
  const path = pathOf(context);
  const client = openGatewayClient(context);
  const answer = await client.request('GET', path);
  const { identities } = readAnswer(z.looseObject({ identities: z.array(identityView) }), answer, client.where);
  out.list(answer, identities, () =>
    identities.length === 0
      ? 'They have not signed in by a provider yet.'
      : table(
          [{ title: 'ID' }, { title: 'PROVIDER' }, { title: 'ISSUER' }, { title: 'SINCE' }],
          identities.map((one) => [plain(one.id), plain(one.provider), plain(one.issuer, 60), timeText(one.linked_at)]),
          out.paint.dim,
        ),
  );
  return undefined;
};

export const identityUnlink: Command = async (context) => {
  const {
    arguments: [id = ''],
    out,
  } = context;
  const path = pathOf(context);
  const client = openGatewayClient(context);
  const answer = await client.request('DELETE', `${path}/${encodeURIComponent(id)}`);
  const { ended } = readAnswer(z.looseObject({ ended: z.array(z.string()) }), answer, client.where);
  out.result(answer, () => `✓ Unlinked; ${ended.length === 1 ? 'one session is' : `${ended.length} sessions are`} over.`);
  return undefined;
};

function pathOf({ options }: CommandContext): string {
  const user = options.text('user');
  if (user === undefined) throw new Fault('usage', { reason: 'Name the user with --user.' });
  return `/v1/users/${encodeURIComponent(user)}/identities`;
}
