import { answers, readAnswer } from './answers.ts';
import type { Command, OptionValues } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { statusText } from './status-glyph.ts';
import { table } from './table.ts';
import { parseCount, parseWhen } from './when.ts';

export const auditList: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const limit = parseCount(options.text('limit') ?? '50', 1, 200, '--limit');
  const answer = await client.request('GET', '/v1/logs/audit', {
    query: { ...auditQuery(options, Date.now()), limit: String(limit), cursor: options.text('cursor') },
  });
  const { events, cursor, tool_calls: calls } = readAnswer(answers.auditEvents, answer, client.where);
  out.list(answer, events, () =>
    events.length === 0
      ? `No events${options.on('internal') ? '' : ' of others; --internal shows what the gateway did by itself'}.`
      : table(
          [{ title: 'TIME (UTC)' }, { title: 'RESULT' }, { title: 'ACTOR' }, { title: 'ACTION' }, { title: 'OBJECT' }, { title: 'FROM' }],
          events.map((event) => [
            timeText(event.time),
            statusText(plain(event.result), out.paint),
            plain(event.actor.kind === event.actor.id ? event.actor.id : `${event.actor.kind} ${event.actor.name ?? event.actor.id}`.trim(), 40),
            plain(event.action, 40),
            plain(event.object.id, 60),
            plain(event.ip ?? '–', 45),
          ]),
          out.paint.dim,
        ),
  );
  if (calls === 'unavailable') out.note('Calls are not among them: the ledger cannot be read now.');
  if (cursor) out.note(`More: the same with --cursor ${plain(cursor, 300)}`);
  return undefined;
};

/** What the options say of which events are meant, as the API asks for it. */
export function auditQuery(options: OptionValues, nowMs: number): Record<string, string | undefined> {
  const time = (name: string): string | undefined => {
    const text = options.text(name);
    return text === undefined ? undefined : new Date(parseWhen(text, nowMs, -1, `--${name}`)).toISOString();
  };
  return {
    start_time: time('since'),
    end_time: time('until'),
    actor: options.text('actor'),
    actor_kind: options.text('actor-kind'),
    action: options.text('action'),
    object: options.text('object'),
    result: options.text('result'),
    text: options.text('text'),
    internal: options.on('internal') ? 'true' : undefined,
    tool_calls: options.text('tool-calls'),
  };
}
