import { z } from 'zod';
import { readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';
import { parseCount } from './when.ts';

const grantView = z.looseObject({
  id: z.string(),
  status: z.string(),
  user_id: z.string().nullable(),
  client_id: z.string(),
  client_name: z.string(),
  redirect_uri: z.string(),
  resource: z.string(),
  scopes: z.array(z.string()),
  created_at: z.string(),
  used_at: z.string().nullable(),
  expires_at: z.string(),
  revoked_reason: z.string().nullable(),
});

export const grantsList: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const limit = parseCount(options.text('limit') ?? '50', 1, 200, '--limit');
  const query = { limit: String(limit), cursor: options.text('cursor') };
  const answer = options.on('mine')
    ? await client.request('GET', '/v1/me/grants', { query })
    : await client.request('GET', '/v1/grants', { query: { ...query, user_id: options.text('user') } });
  const { grants, cursor } = readAnswer(z.looseObject({ grants: z.array(grantView), cursor: z.string().nullable() }), answer, client.where);
  out.list(answer, grants, () =>
    grants.length === 0
      ? 'No client has been allowed anything.'
      : table(
          [{ title: 'ID' }, { title: 'STATUS' }, { title: 'CLIENT' }, { title: 'USER' }, { title: 'AT' }, { title: 'SCOPES' }, { title: 'LAST TOKEN' }],
          grants.map((one) => [
            plain(one.id),
            plain(one.status),
            plain(one.client_name, 40),
            plain(one.user_id ?? 'an administrator', 40),
            plain(new URL(one.resource).pathname, 40),
            plain(one.scopes.join(' '), 60),
            one.used_at === null ? 'never' : timeText(one.used_at),
          ]),
          out.paint.dim,
        ),
  );
  if (cursor) out.note(`More: gateway grants list --cursor ${plain(cursor)}`);
  return undefined;
};

export const grantsGet: Command = async (context) => {
  const {
    arguments: [id = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', `/v1/grants/${encodeURIComponent(id)}`);
  const { grant } = readAnswer(z.looseObject({ grant: grantView }), answer, client.where);
  out.result(grant, () =>
    [
      ['id', plain(grant.id)],
      ['status', plain(grant.revoked_reason === null ? grant.status : `${grant.status}: ${grant.revoked_reason}`)],
      ['client', plain(grant.client_name)],
      ['client id', plain(grant.client_id)],
      ['answers to', plain(grant.redirect_uri)],
      ['user', plain(grant.user_id ?? 'an administrator, who is nobody in the directory')],
      ['address', plain(grant.resource)],
      ['scopes', plain(grant.scopes.join(' '))],
      ['allowed', timeText(grant.created_at)],
      ['last token', grant.used_at === null ? 'never' : timeText(grant.used_at)],
      ['expires', timeText(grant.expires_at)],
    ]
      .map(([name = '', value = '']) => `${out.paint.dim(name.padEnd(10))}  ${value}`)
      .join('\n'),
  );
  return undefined;
};

export const grantsRevoke: Command = async (context) => {
  const {
    arguments: [id = ''],
    options,
    out,
  } = context;
  const place = options.on('mine') ? '/v1/me/grants' : '/v1/grants';
  await openGatewayClient(context).request('DELETE', `${place}/${encodeURIComponent(id)}`);
  out.result({ revoked: id }, () => `✓ The grant ${plain(id)} is revoked: its tokens are refused from now on.`);
  return undefined;
};
