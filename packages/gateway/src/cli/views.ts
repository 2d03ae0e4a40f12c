import { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import { readAnswer } from './answers.ts';
import type { Command, CommandContext } from './command.ts';
import { openGatewayClient, type GatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';

const view = z.looseObject({
  id: z.string(),
  page: z.string(),
  name: z.string(),
  state: z.record(z.string(), z.string()),
  shared_with: z.string().nullable(),
  owner: z.string().nullable(),
  version: z.number(),
  changed_at: z.string(),
});
type View = z.output<typeof view>;

export const viewsList: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/views', { query: { page: options.text('page'), all: String(options.on('all')) } });
  const { views } = readAnswer(z.looseObject({ views: z.array(view) }), answer, client.where);
  out.list(answer, views, () =>
    views.length === 0
      ? 'No view is saved.'
      : table(
          [{ title: 'ID' }, { title: 'PAGE' }, { title: 'NAME' }, { title: 'SHARED WITH' }, { title: 'OF' }, { title: 'CHANGED' }],
          views.map((one) => [
            plain(one.id),
            plain(one.page),
            plain(one.name, 40),
            plain(one.shared_with ?? 'nobody'),
            plain(one.owner ?? 'nobody'),
            timeText(one.changed_at),
          ]),
          out.paint.dim,
        ),
  );
  return undefined;
};

export const viewsGet: Command = async (context) => {
  const {
    arguments: [id = ''],
    out,
  } = context;
  const one = await find(openGatewayClient(context), id);
  const rows: [string, string][] = [
    ['name', plain(one.name)],
    ['page', plain(one.page)],
    ...Object.entries(one.state).map(([name, value]): [string, string] => [`  ${plain(name)}`, plain(value)]),
    ['shared with', plain(one.shared_with ?? 'nobody')],
    ['of', plain(one.owner ?? 'nobody')],
    ['changed', timeText(one.changed_at)],
  ];
  out.result(one, () => rows.map(([name, value]) => `${out.paint.dim(name.padEnd(11))}  ${value}`).join('\n'));
  return undefined;
};

export const viewsCreate: Command = async (context) => {
  const {
    arguments: [name = ''],
    options,
  } = context;
  const client = openGatewayClient(context);
  const body = { name, page: options.text('page') ?? 'traces', state: stateOf(context, {}), shared_with: sharedOf(options.text('share') ?? 'nobody') };
  return said(context, client, await client.request('POST', '/v1/views', { body }));
};

export const viewsUpdate: Command = async (context) => {
  const {
    arguments: [id = ''],
    options,
  } = context;
  const client = openGatewayClient(context);
  const { version, state } = await find(client, id);
  const [name, share] = [options.text('name'), options.text('share')];
  const body = { ...(name === undefined ? {} : { name }), state: stateOf(context, state), ...(share === undefined ? {} : { shared_with: sharedOf(share) }) };
  return said(context, client, await client.request('PATCH', pathOf(id), { body, headers: { 'if-match': `"${version}"` } }));
};

export const viewsDelete: Command = async (context) => {
  const {
    arguments: [id = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  const { version, name } = await find(client, id);
  await client.request('DELETE', pathOf(id), { headers: { 'if-match': `"${version}"` } });
  out.result({ deleted: id }, () => `✓ The view ${plain(name)} is gone.`);
  return undefined;
};

/** Faults: `usage`. */
function stateOf({ options }: CommandContext, before: View['state']): View['state'] {
  const state = { ...before };
  for (const pair of options.list('set')) {
    const at = pair.indexOf('=');
    if (at < 1) throw new Fault('usage', { reason: `--set takes NAME=VALUE, such as q=status:error, not "${pair.slice(0, 60)}".` });
    if (at === pair.length - 1) delete state[pair.slice(0, at)];
    else state[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return state;
}

function sharedOf(share: string): string | null {
  return share === 'nobody' ? null : share;
}

function said({ out }: CommandContext, client: GatewayClient, answer: unknown): undefined {
  const { view: one } = readAnswer(z.looseObject({ view }), answer, client.where);
  out.result(
    answer,
    () => `✓ ${plain(one.name)} is saved as ${plain(one.id)}, ${one.shared_with === null ? 'for you alone' : `for ${plain(one.shared_with)}`}.`,
  );
  return undefined;
}

function pathOf(id: string): string {
  return `/v1/views/${encodeURIComponent(id)}`;
}

async function find(client: GatewayClient, id: string): Promise<View> {
  return readAnswer(z.looseObject({ view }), await client.request('GET', pathOf(id)), client.where).view;
}
