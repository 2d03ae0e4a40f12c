import { answers, readAnswer } from './answers.ts';
import type { Command, OptionValues } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { callQuestion } from './log-question.ts';
import { plain } from './output.ts';
import { countText, latencyText, moneyText, timeText } from './say.ts';
import { statusText } from './status-glyph.ts';
import { table } from './table.ts';
import { parseCount } from './when.ts';

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

function traceQuery(options: OptionValues, nowMs: number): Record<string, string | undefined> {
  return {
    ...callQuestion(options, nowMs),
    min_cost: options.text('min-cost'),
    max_cost: options.text('max-cost'),
    limit: String(parseCount(options.text('limit') ?? '50', 1, 200, '--limit')),
    cursor: options.text('cursor'),
  };
}
