import { nouns, type NounKind } from '../kernel/directory.ts';
import { Fault } from '../kernel/fault.ts';
import type { Command, OptionValues } from './command.ts';
import { entryOf, outcomeOf, revokedOf } from './directory-answers.ts';
import { optionOf } from './directory-commands.ts';
import { openGatewayClient, type GatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { countText } from './say.ts';

export function directoryCreate(kind: NounKind): Command {
  return async (context) => {
    const { options, out } = context;
    const from = options.text('from');
    const id = options.text('id') ?? from;
    const [name = from] = context.arguments;
    if (name === undefined) throw new Fault('usage', { reason: 'Give a NAME, or --from AGENT.' });
    const client = openGatewayClient(context);
    const answer = await client.request('POST', `/v1/${nouns[kind].plural}`, {
      query: { dry_run: String(options.on('dry-run')) },
      body: { name, ...(id === undefined ? {} : { id }), ...membersOf(kind, options) },
    });
    const outcome = outcomeOf(answer, client.where);
    const entry = entryOf(kind, answer, client.where);
    out.result(answer, () =>
      outcome === 'planned'
        ? `The ${nouns[kind].title} ${plain(entry.name)} could be made.`
        : `✓ The ${nouns[kind].title} ${plain(entry.name)} is there: ${plain(entry.id)}`,
    );
    return undefined;
  };
}

export function directoryUpdate(kind: NounKind): Command {
  return async (context) => {
    const {
      arguments: [id = ''],
      options,
      out,
    } = context;
    const client = openGatewayClient(context);
    const name = options.text('name');
    const answer = await client.request('PATCH', entryPath(kind, id), {
      query: { dry_run: String(options.on('dry-run')) },
      body: { ...(name === undefined ? {} : { name }), ...membersOf(kind, options) },
      headers: { 'if-match': await etagOf(client, kind, id) },
    });
    const outcome = outcomeOf(answer, client.where);
    const entry = entryOf(kind, answer, client.where);
    const said: Readonly<Record<string, string>> = {
      changed: `✓ The ${nouns[kind].title} ${plain(entry.name)} is changed, on every node within a second.`,
      unchanged: `The ${nouns[kind].title} ${plain(entry.name)} is so already.`,
      planned: `The ${nouns[kind].title} ${plain(entry.name)} could be changed so.`,
    };
    out.result(answer, () => said[outcome] ?? outcome);
    return undefined;
  };
}

export function directoryDelete(kind: NounKind): Command {
  return async (context) => {
    const {
      arguments: [id = ''],
      options,
      out,
    } = context;
    const client = openGatewayClient(context);
    const answer = await client.request('DELETE', entryPath(kind, id), {
      query: { dry_run: String(options.on('dry-run')), revoke_keys: String(options.on('revoke-keys')) },
      headers: { 'if-match': await etagOf(client, kind, id) },
    });
    const outcome = outcomeOf(answer, client.where);
    const keys = revokedOf(answer, client.where);
    const withKeys = keys.length === 0 ? '' : `, with ${countText(keys.length, 'key')}`;
    out.result(answer, () =>
      outcome === 'planned'
        ? `The ${nouns[kind].title} ${plain(id)} could be deleted${withKeys}.`
        : `✓ The ${nouns[kind].title} ${plain(id)} is gone${withKeys}.`,
    );
    return undefined;
  };
}

function entryPath(kind: NounKind, id: string): string {
  return `/v1/${nouns[kind].plural}/${encodeURIComponent(id)}`;
}

async function etagOf(client: GatewayClient, kind: NounKind, id: string): Promise<string> {
  const { version } = entryOf(kind, await client.request('GET', entryPath(kind, id)), client.where);
  return `"${version}"`;
}

/** Members that were named; `none` takes one away. */
function membersOf(kind: NounKind, options: OptionValues): Record<string, string | readonly string[] | null> {
  const { texts, names, links } = nouns[kind];
  const single = (member: string): [string, string | null][] => {
    const value = options.text(optionOf(member));
    return value === undefined ? [] : [[member, value === 'none' ? null : value]];
  };
  const several = (member: string): [string, readonly string[]][] => {
    const values = options.list(optionOf(member));
    return values.length === 0 ? [] : [[member, values.filter((value) => value !== 'none')]];
  };
  return Object.fromEntries([
    ...Object.keys(texts).flatMap(single),
    ...Object.keys(names).flatMap(several),
    ...Object.entries(links).flatMap(([member, { many }]): [string, string | readonly string[] | null][] => (many ? several(member) : single(member))),
  ]);
}
