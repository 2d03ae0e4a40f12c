import { z } from 'zod';
import { readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient, type GatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';
import { parseCount } from './when.ts';

const view = z.looseObject({
  id: z.string(),
  name: z.string(),
  version: z.number(),
  created_at: z.string(),
  created_by: z.string(),
  changed_at: z.string(),
  changed_by: z.string(),
});

export const organizationsList: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const limit = parseCount(options.text('limit') ?? '50', 1, 200, '--limit');
  const answer = await client.request('GET', '/v1/organizations', { query: { limit: String(limit), cursor: options.text('cursor') } });
  const { organizations, cursor } = readAnswer(z.looseObject({ organizations: z.array(view), cursor: z.string().nullable() }), answer, client.where);
  out.list(answer, organizations, () =>
    table(
      [{ title: 'ID' }, { title: 'NAME' }, { title: 'CREATED' }, { title: 'BY' }],
      organizations.map((one) => [plain(one.id), plain(one.name, 60), timeText(one.created_at), plain(one.created_by)]),
      out.paint.dim,
    ),
  );
  if (cursor) out.note(`More: gateway organizations list --cursor ${plain(cursor)}`);
  return undefined;
};

export const organizationsGet: Command = async (context) => {
  const {
    arguments: [id = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  const one = await find(client, id);
  const rows: [string, string][] = [
    ['id', plain(one.id)],
    ['name', plain(one.name)],
    ['created', `${timeText(one.created_at)} by ${plain(one.created_by)}`],
    ['changed', `${timeText(one.changed_at)} by ${plain(one.changed_by)}`],
  ];
  out.result(one, () => rows.map(([name, value]) => `${out.paint.dim(name.padEnd(7))}  ${value}`).join('\n'));
  return undefined;
};

export const organizationsCreate: Command = async (context) => {
  const {
    arguments: [name = ''],
    options,
    out,
  } = context;
  const client = openGatewayClient(context);
  const id = options.text('id');
  const answer = await client.request('POST', '/v1/organizations', { body: { name, ...(id === undefined ? {} : { id }) } });
  const { organization } = readAnswer(z.looseObject({ organization: view }), answer, client.where);
  out.result(answer, () => `✓ The organization ${plain(organization.name)} is there: ${plain(organization.id)}`);
  out.note(`Offer it servers with \`organizations: [${plain(organization.id)}]\` in gateway.yaml.`);
  out.note(`Let its first administrator in with: gateway admin link --organization ${plain(organization.id)}`);
  return undefined;
};

export const organizationsUpdate: Command = async (context) => {
  const {
    arguments: [id = ''],
    options,
    out,
  } = context;
  const client = openGatewayClient(context);
  const { version } = await find(client, id);
  const answer = await client.request('PATCH', pathOf(id), { body: { name: options.text('name') }, headers: { 'if-match': `"${version}"` } });
  const { outcome, organization } = readAnswer(z.looseObject({ outcome: z.string(), organization: view }), answer, client.where);
  out.result(answer, () =>
    outcome === 'changed' ? `✓ The organization is called ${plain(organization.name)}.` : `The organization is called ${plain(organization.name)} already.`,
  );
  return undefined;
};

export const organizationsDelete: Command = async (context) => {
  const {
    arguments: [id = ''],
    options,
    out,
  } = context;
  const client = openGatewayClient(context);
  const { version } = await find(client, id);
  const answer = await client.request('DELETE', pathOf(id), {
    query: { cascade: String(options.on('cascade')), dry_run: String(options.on('dry-run')) },
    headers: { 'if-match': `"${version}"` },
  });
  const { outcome, contents } = readAnswer(z.looseObject({ outcome: z.string(), contents: z.record(z.string(), z.number()) }), answer, client.where);
  const list = Object.entries(contents).map(([what, count]) => `${count} ${plain(what)}`);
  const withThem = list.length === 0 ? '' : `, with ${list.join(', ')}`;
  out.result(answer, () =>
    outcome === 'planned'
      ? `The organization ${plain(id)} could be deleted${withThem}.`
      : `✓ The organization ${plain(id)} is gone${withThem}. Its audit is kept.`,
  );
  return undefined;
};

function pathOf(id: string): string {
  return `/v1/organizations/${encodeURIComponent(id)}`;
}

async function find(client: GatewayClient, id: string): Promise<z.output<typeof view>> {
  return readAnswer(z.looseObject({ organization: view }), await client.request('GET', pathOf(id)), client.where).organization;
}
