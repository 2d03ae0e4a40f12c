import { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import { readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';

const sessionView = z.looseObject({
  id: z.string(),
  user_id: z.string().nullable(),
  provider: z.string().nullable(),
  ip: z.string(),
  user_agent: z.string(),
  created_at: z.string(),
  last_seen_at: z.string().nullable(),
  expires_at: z.string(),
  current: z.boolean(),
});

export const sessionsList: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', pathOf(options.text('user')));
  const { sessions } = readAnswer(z.looseObject({ sessions: z.array(sessionView) }), answer, client.where);
  out.list(answer, sessions, () =>
    sessions.length === 0
      ? 'Nobody is signed in.'
      : table(
          [{ title: 'ID' }, { title: 'BY' }, { title: 'FROM' }, { title: 'BROWSER' }, { title: 'SINCE' }, { title: 'SEEN' }, { title: 'EXPIRES' }],
          sessions.map((one) => [
            plain(one.id),
            plain(one.provider ?? 'admin link'),
            plain(one.ip),
            plain(one.user_agent, 40),
            timeText(one.created_at),
            one.last_seen_at === null ? '–' : timeText(one.last_seen_at),
            timeText(one.expires_at),
          ]),
          out.paint.dim,
        ),
  );
  return undefined;
};

export const sessionsEnd: Command = async (context) => {
  const {
    arguments: [id],
    options,
    out,
  } = context;
  const user = options.text('user');
  if (id === undefined && user === undefined) throw new Fault('usage', { reason: 'Name a session, or a user with --user.' });
  const client = openGatewayClient(context);
  if (id !== undefined) {
    await client.request('DELETE', `${pathOf(user)}/${encodeURIComponent(id)}`);
    out.result({ ended: [id] }, () => `✓ The session ${plain(id)} is over.`);
    return undefined;
  }
  const answer = await client.request('DELETE', pathOf(user));
  const { ended, revoked_grants: grants } = readAnswer(
    z.looseObject({ ended: z.array(z.string()), revoked_grants: z.array(z.string()) }),
    answer,
    client.where,
  );
  const clients = grants.length === 0 ? '' : ` ${grants.length === 1 ? 'One client is' : `${grants.length} clients are`} signed out.`;
  out.result(answer, () => `✓ ${ended.length === 1 ? 'One session is' : `${ended.length} sessions are`} over.${clients}`);
  return undefined;
};

function pathOf(user: string | undefined): string {
  return user === undefined ? '/v1/me/sessions' : `/v1/users/${encodeURIComponent(user)}/sessions`;
}
