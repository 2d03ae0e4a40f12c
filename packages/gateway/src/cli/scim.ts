import { z } from 'zod';
import { readAnswer } from './answers.ts';
import type { Command, CommandContext } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';
import { parseCount } from './when.ts';

const tokenView = z.looseObject({
  provider: z.string(),
  base_url: z.string(),
  token: z.string(),
  previous_token_valid_until: z.string().nullable(),
  warning: z.string(),
});

export const scimEnable: Command = async (context) => {
  const [provider = ''] = context.arguments;
  return await showToken(context, '/v1/identity/scim', { provider });
};

export const scimRotate: Command = async (context) => {
  const [provider = ''] = context.arguments;
  return await showToken(context, `/v1/identity/scim/${encodeURIComponent(provider)}/rotate`, undefined);
};

async function showToken(context: CommandContext, path: string, body: Record<string, unknown> | undefined): Promise<undefined> {
  const { out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('POST', path, body === undefined ? {} : { body });
  const made = readAnswer(tokenView, answer, client.where);
  out.result(answer, () => [`${out.paint.bold('token')}     ${plain(made.token)}`, `base URL  ${plain(made.base_url, 400)}`].join('\n'));
  out.note(plain(made.warning));
  if (made.previous_token_valid_until !== null) out.note(`The token before it is good until ${timeText(made.previous_token_valid_until)} UTC.`);
  return undefined;
}

const connectionView = z.looseObject({
  provider: z.string(),
  token_prefix: z.string().nullable(),
  revoked: z.boolean(),
  users: z.number(),
  groups: z.number(),
  errors: z.number(),
  created_at: z.string(),
});

export const scimList: Command = async (context) => {
  const { out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/identity/scim');
  const { connections, base_url: baseUrl } = readAnswer(z.looseObject({ connections: z.array(connectionView), base_url: z.string() }), answer, client.where);
  out.list(answer, connections, () =>
    connections.length === 0
      ? 'No identity provider sends users and groups. Let one: gateway scim enable PROVIDER.'
      : table(
          [{ title: 'PROVIDER' }, { title: 'TOKEN' }, { title: 'USERS' }, { title: 'GROUPS' }, { title: 'ERRORS' }, { title: 'SINCE' }],
          connections.map((one) => [
            plain(one.provider),
            one.revoked ? 'revoked' : plain(one.token_prefix ?? ''),
            String(one.users),
            String(one.groups),
            String(one.errors),
            timeText(one.created_at),
          ]),
          out.paint.dim,
        ),
  );
  out.note(`Base URL, to be written at a provider: ${plain(baseUrl, 400)}`);
  return undefined;
};

export const scimDisable: Command = async (context) => {
  const {
    arguments: [provider = ''],
    out,
  } = context;
  await openGatewayClient(context).request('DELETE', `/v1/identity/scim/${encodeURIComponent(provider)}`);
  out.result({ disabled: provider }, () => `✓ ${plain(provider)} sends nothing any more; what it has sent stays.`);
  return undefined;
};

const errorView = z.looseObject({
  at: z.string(),
  method: z.string(),
  resource: z.string(),
  resource_id: z.string().nullable(),
  status: z.number(),
  scim_type: z.string().nullable(),
  detail: z.string(),
});

export const scimErrors: Command = async (context) => {
  const {
    arguments: [provider = ''],
    options,
    out,
  } = context;
  const client = openGatewayClient(context);
  const limit = parseCount(options.text('limit') ?? '50', 1, 200, '--limit');
  const query = { limit: String(limit), cursor: options.text('cursor') };
  const answer = await client.request('GET', `/v1/identity/scim/${encodeURIComponent(provider)}/errors`, { query });
  const { errors, cursor } = readAnswer(z.looseObject({ errors: z.array(errorView), cursor: z.string().nullable() }), answer, client.where);
  out.list(answer, errors, () =>
    errors.length === 0
      ? `${plain(provider)} was refused nothing.`
      : table(
          [{ title: 'AT' }, { title: 'REQUEST' }, { title: 'STATUS' }, { title: 'KIND' }, { title: 'WHY' }],
          errors.map((one) => [
            timeText(one.at),
            plain(one.method === '' ? 'notice' : `${one.method} ${one.resource}${one.resource_id === null ? '' : `/${one.resource_id}`}`, 50),
            String(one.status),
            plain(one.scim_type ?? ''),
            plain(one.detail, 160),
          ]),
          out.paint.dim,
        ),
  );
  if (cursor !== null) out.note(`More: gateway scim errors ${plain(provider)} --cursor ${plain(cursor)}`);
  return undefined;
};
