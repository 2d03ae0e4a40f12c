import { objectRows, type ObjectKind } from '../kernel/config-object.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { readAnswer } from './answers.ts';
import { objectOf, objectPageOf, objectsAnswer, sourceText } from './object-answers.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';
import { parseCount } from './when.ts';

const cellCharsMax = 60;

export function objectList(kind: ObjectKind): Command {
  return async (context) => {
    const { options, out } = context;
    const { plural, title } = objectRows[kind];
    const client = openGatewayClient(context);
    const answer = await client.request('GET', `/v1/${plural}`, {
      query: { limit: String(parseCount(options.text('limit') ?? '50', 1, 200, '--limit')), cursor: options.text('cursor') },
    });
    const { objects, cursor } = objectPageOf(kind, answer, client.where);
    out.list(answer, objects, () =>
      objects.length === 0
        ? `No ${title}s. Make one with: gateway ${plural} create NAME`
        : table(
            [{ title: 'NAME' }, { title: 'WHERE' }, { title: 'SERVED' }, { title: 'SAYS' }],
            objects.map((object) => [
              plain(object.name, cellCharsMax),
              plain(sourceText(object), cellCharsMax),
              object.served ? 'yes' : 'no',
              plain(object.spec === null ? '–' : JSON.stringify(object.spec), cellCharsMax),
            ]),
            out.paint.dim,
          ),
    );
    for (const { name, reason } of objects) if (reason !== null) out.note(`${plain(name)} does not serve: ${plain(reason, 400)}`);
    if (cursor) out.note(`More: gateway ${plural} list --cursor ${plain(cursor, 2000)}`);
    return undefined;
  };
}

export const objectsList: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/config/objects', {
    query: {
      kind: options.text('kind'),
      source: options.text('source'),
      limit: String(parseCount(options.text('limit') ?? '50', 1, 200, '--limit')),
      cursor: options.text('cursor'),
    },
  });
  const { objects, cursor } = readAnswer(objectsAnswer, answer, client.where);
  out.list(answer, objects, () =>
    objects.length === 0
      ? 'Nothing.'
      : table(
          [{ title: 'KIND' }, { title: 'NAME' }, { title: 'WHERE' }, { title: 'SERVED' }],
          objects.map((object) => [
            plain(object.kind),
            plain(object.name, cellCharsMax),
            plain(sourceText(object), cellCharsMax),
            object.served ? 'yes' : 'no',
          ]),
          out.paint.dim,
        ),
  );
  for (const { kind, name, reason } of objects) if (reason !== null) out.note(`${plain(kind)} ${plain(name)} does not serve: ${plain(reason, 400)}`);
  if (cursor) out.note(`More: gateway objects list --cursor ${plain(cursor, 2000)}`);
  return undefined;
};

export function objectGet(kind: ObjectKind): Command {
  return async (context) => {
    const {
      arguments: [name = ''],
      out,
    } = context;
    const client = openGatewayClient(context);
    const object = objectOf(kind, await client.request('GET', `/v1/${objectRows[kind].plural}/${encodeURIComponent(name)}`), client.where);
    const rows: [string, string][] = [
      ['name', plain(object.name)],
      ['where', plain(sourceText(object), 4096)],
      ['served', object.served ? 'yes' : `no: ${plain(object.reason ?? '', 400)}`],
      ['says', plain(object.spec === null ? '–' : JSON.stringify(object.spec), 4000)],
      ...(object.changed_at === null
        ? []
        : [['changed', `${timeText(object.changed_at)} by ${plain(object.changed_by_name ?? object.changed_by ?? '')}`] satisfies [string, string]]),
    ];
    const width = Math.max(...rows.map(([title]) => title.length));
    out.result(object, () => rows.map(([title, value]) => `${out.paint.dim(title.padEnd(width))}  ${value}`).join('\n'));
    return undefined;
  };
}
