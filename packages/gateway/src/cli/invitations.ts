import { resolve } from 'node:path';
import { z } from 'zod';
import { resolveSecret } from '../config/read-secret.ts';
import { Fault } from '../kernel/fault.ts';
import { readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';
import { parseCount, parseWhen } from './when.ts';

const invitationView = z.looseObject({
  id: z.string(),
  email: z.string(),
  role_ids: z.array(z.string()),
  created_by: z.string(),
  created_by_name: z.string().nullish(),
  expires_at: z.string(),
});

export const usersInvite: Command = async (context) => {
  const {
    arguments: [email = ''],
    options,
    out,
  } = context;
  const client = openGatewayClient(context);
  const expires = options.text('expires');
  const name = options.text('name');
  const answer = await client.request('POST', '/v1/users/invite', {
    body: {
      email,
      ...(name === undefined ? {} : { name }),
      ...(options.list('team').length === 0 ? {} : { team_ids: options.list('team') }),
      ...(options.list('role').length === 0 ? {} : { role_ids: options.list('role') }),
      ...(expires === undefined ? {} : { expires_at: new Date(parseWhen(expires, Date.now(), 1, '--expires')).toISOString() }),
    },
  });
  const { invitation, token } = readAnswer(z.looseObject({ invitation: invitationView, token: z.string() }), answer, client.where);
  out.result(answer, () => `${out.paint.bold('token')}    ${plain(token)}\nid       ${plain(invitation.id)}\nexpires  ${timeText(invitation.expires_at)} UTC`);
  out.note('Send it to them: it will not be shown again, and gateway invitations accept takes it once.');
  return undefined;
};

export const invitationsList: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const limit = parseCount(options.text('limit') ?? '50', 1, 200, '--limit');
  const answer = await client.request('GET', '/v1/invitations', {
    query: {
      q: options.text('search'),
      state: options.text('only'),
      team_id: options.text('team'),
      role_id: options.text('role'),
      sort: options.text('sort'),
      limit: String(limit),
      cursor: options.text('cursor'),
    },
  });
  const { invitations, cursor } = readAnswer(z.looseObject({ invitations: z.array(invitationView), cursor: z.string().nullable() }), answer, client.where);
  out.list(answer, invitations, () =>
    invitations.length === 0
      ? 'Nobody is invited. Invite somebody with: gateway users invite EMAIL'
      : table(
          [{ title: 'ID' }, { title: 'EMAIL' }, { title: 'ROLES' }, { title: 'EXPIRES' }, { title: 'BY' }],
          invitations.map((one) => [
            plain(one.id),
            plain(one.email, 60),
            plain(one.role_ids.join(' '), 40),
            Date.parse(one.expires_at) <= Date.now() ? 'it is over' : timeText(one.expires_at),
            plain(one.created_by_name ?? one.created_by),
          ]),
          out.paint.dim,
        ),
  );
  if (cursor) out.note(`More: gateway invitations list --cursor ${plain(cursor)}`);
  return undefined;
};

export const invitationsGet: Command = async (context) => {
  const {
    arguments: [id = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', `/v1/invitations/${encodeURIComponent(id)}`);
  const { invitation } = readAnswer(z.looseObject({ invitation: invitationView }), answer, client.where);
  out.result(invitation, () =>
    [
      ['id', plain(invitation.id)],
      ['email', plain(invitation.email)],
      ['roles', plain(invitation.role_ids.join(' '))],
      ['expires', timeText(invitation.expires_at)],
      ['invited by', plain(invitation.created_by_name ?? invitation.created_by)],
    ]
      .map(([name = '', value = '']) => `${out.paint.dim(name.padEnd(10))}  ${value}`)
      .join('\n'),
  );
  return undefined;
};

export const invitationsAccept: Command = async (context) => {
  const { options, out, env, cwd } = context;
  const [, kind, place = ''] = /^(env|file):(.{1,4096})$/.exec(options.text('token') ?? '') ?? [];
  // What is written there may be the token itself, so it is not repeated.
  if (kind === undefined) throw new Fault('usage', { reason: '--token names the place of the token, never the token itself: env:NAME or file:PATH.' });
  const token = resolveSecret(kind === 'env' ? { env: place } : { file: resolve(cwd, place) }, env, '--token');
  const client = openGatewayClient(context);
  const answer = await client.request('POST', '/v1/invitations/accept', { body: { token } });
  const { user } = readAnswer(
    z.looseObject({ user: z.looseObject({ id: z.string(), name: z.string(), role_ids: z.array(z.string()) }) }),
    answer,
    client.where,
  );
  out.result(user, () => `✓ ${plain(user.name)} is a user now: ${plain(user.id)}, with the roles ${plain(user.role_ids.join(' '))}.`);
  return undefined;
};

export const invitationsRevoke: Command = async (context) => {
  const {
    arguments: [id = ''],
    out,
  } = context;
  await openGatewayClient(context).request('DELETE', `/v1/invitations/${encodeURIComponent(id)}`);
  out.result({ revoked: id }, () => `✓ The invitation ${plain(id)} is taken back.`);
  return undefined;
};
