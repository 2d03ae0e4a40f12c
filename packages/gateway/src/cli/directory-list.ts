import { nouns, type NounKind } from '../kernel/directory.ts';
import type { Command } from './command.ts';
import { actorText, entryOf, memberText, pageOf } from './directory-answers.ts';
import { optionOf } from './directory-commands.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { statusText } from './status-glyph.ts';
import { table } from './table.ts';
import { parseCount } from './when.ts';

const cellCharsMax = 40;

export function directoryList(kind: NounKind): Command {
  return async (context) => {
    const { options, out } = context;
    const { plural, title, texts, names, links, hasStatus } = nouns[kind];
    const client = openGatewayClient(context);
    const answer = await client.request('GET', `/v1/${plural}`, {
      query: {
        q: options.text('search'),
        ...Object.fromEntries(Object.keys(links).map((member) => [member.replace(/_ids$/, '_id'), options.text(optionOf(member))])),
        sort: options.text('sort'),
        limit: String(parseCount(options.text('limit') ?? '50', 1, 200, '--limit')),
        cursor: options.text('cursor'),
      },
    });
    const { entries, cursor } = pageOf(kind, answer, client.where);
    const members = [...Object.keys(links), ...Object.keys(names), ...Object.keys(texts)];
    out.list(answer, entries, () =>
      entries.length === 0
        ? `No ${title}s. Make one with: gateway ${plural} create NAME`
        : table(
            [
              { title: 'ID' },
              { title: 'NAME' },
              ...(hasStatus ? [{ title: 'STATUS' }] : []),
              ...members.map((member) => ({ title: optionOf(member).toUpperCase() })),
              ...(kind === 'agent' ? [{ title: 'FIRST SEEN' }, { title: 'LAST SEEN' }] : []),
            ],
            entries.map((entry) => [
              plain(entry.id),
              plain(entry.name, cellCharsMax),
              ...(hasStatus ? [statusText(entry.status ?? 'active', out.paint)] : []),
              ...members.map((member) => plain(memberText(entry, member), cellCharsMax)),
              ...(kind === 'agent' ? [timeText(memberText(entry, 'first_seen')), timeText(memberText(entry, 'last_seen'))] : []),
            ]),
            out.paint.dim,
          ),
    );
    if (cursor) out.note(`More: gateway ${plural} list --cursor ${plain(cursor, 2000)}`);
    return undefined;
  };
}

export function directoryGet(kind: NounKind): Command {
  return async (context) => {
    const {
      arguments: [id = ''],
      out,
    } = context;
    const { plural, texts, names, links, hasStatus } = nouns[kind];
    const client = openGatewayClient(context);
    const entry = entryOf(kind, await client.request('GET', `/v1/${plural}/${encodeURIComponent(id)}`), client.where);
    const rows: [string, string][] = [
      ['id', plain(entry.id)],
      ['name', plain(entry.name)],
      ...(hasStatus ? [['status', statusText(entry.status ?? 'active', out.paint)] satisfies [string, string]] : []),
      ...[...Object.keys(texts), ...Object.keys(names), ...Object.keys(links)].map((member): [string, string] => [
        optionOf(member),
        plain(memberText(entry, member)),
      ]),
      ...(kind === 'agent' ? ['first_seen', 'last_seen'] : []).map((member): [string, string] => [
        member.replace('_', ' '),
        timeText(memberText(entry, member)),
      ]),
      ['created', `${timeText(memberText(entry, 'created_at'))} by ${plain(actorText(entry, 'created_by'))}`],
      ['changed', `${timeText(memberText(entry, 'changed_at'))} by ${plain(actorText(entry, 'changed_by'))}`],
    ];
    const width = Math.max(...rows.map(([name]) => name.length));
    out.result(entry, () => rows.map(([name, value]) => `${out.paint.dim(name.padEnd(width))}  ${value}`).join('\n'));
    return undefined;
  };
}
