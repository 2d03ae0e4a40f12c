import { parseDuration } from '../config/quantities.ts';
import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command, OptionValues } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { countText, latencyText, moneyText, timeText } from './say.ts';
import { statusText } from './status-glyph.ts';
import { table } from './table.ts';
import { parseCount, parseWhen } from './when.ts';

export const tracesList: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const query = traceQuery(options, Date.now());
  const answer = await client.request('GET', '/v1/traces', { query });
  const { traces, cursor, estimated_total: total } = readAnswer(answers.traces, answer, client.where);
  out.list(answer, traces, () =>
    traces.length === 0
      ? `No traces from ${timeText(query['start_time'])} to ${timeText(query['end_time'])} UTC.`
      : table(
          [
            { title: 'TIME (UTC)' },
            { title: 'STATUS' },
            { title: 'SERVER · TOOL' },
            { title: 'DURATION', align: 'right' },
            { title: 'COST', align: 'right' },
            { title: 'TRACE' },
          ],
          traces.map((trace) => [
            timeText(trace.start_time),
            statusText(plain(trace.status), out.paint),
            plain([trace.server, trace.tool ?? trace.operation].filter(Boolean).join(' · ') || countText(trace.span_count, 'call'), 60),
            latencyText(trace.duration_ms),
            moneyText(trace.total_cost, trace.currency),
            plain(trace.id),
          ]),
          out.paint.dim,
        ),
  );
  if (total !== null && total !== undefined && total > traces.length) out.note(`${traces.length} of about ${countText(total, 'trace')}.`);
  if (cursor) out.note(`More: add --until ${query['end_time']} --since ${query['start_time']} --cursor ${plain(cursor, 500)}`);
  return undefined;
};

/** Milliseconds of an option that is a duration. Faults: `usage`. */
function durationOf(options: OptionValues, name: string): string | undefined {
  const text = options.text(name);
  const ms = text === undefined ? undefined : parseDuration(text);
  if (ms === null) throw new Fault('usage', { reason: `--${name} must be a duration such as 500ms, not "${(text ?? '').slice(0, 40)}".` });
  return ms?.toString();
}

function traceQuery(options: OptionValues, nowMs: number): Record<string, string | undefined> {
  const from = parseWhen(options.text('since') ?? '24h', nowMs, -1, '--since');
  const to = parseWhen(options.text('until') ?? 'now', nowMs, -1, '--until');
  if (from >= to) throw new Fault('usage', { reason: '--since must lie before --until.' });
  return {
    start_time: new Date(from).toISOString(),
    end_time: new Date(to).toISOString(),
    query: options.text('query'),
    trace_id: options.text('trace'),
    status: options.text('status'),
    server: options.text('server'),
    tool: options.text('tool'),
    key_id: options.text('key'),
    user_id: options.text('user'),
    team_id: options.text('team'),
    agent: options.text('agent'),
    min_duration_ms: durationOf(options, 'min-duration'),
    max_duration_ms: durationOf(options, 'max-duration'),
    min_cost: options.text('min-cost'),
    max_cost: options.text('max-cost'),
    limit: String(parseCount(options.text('limit') ?? '50', 1, 200, '--limit')),
    cursor: options.text('cursor'),
  };
}
