import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { callQuestion } from './log-question.ts';
import { plain } from './output.ts';
import { countText, latencyText, moneyText, timeText } from './say.ts';
import { statusText } from './status-glyph.ts';
import { table } from './table.ts';
import { parseCount } from './when.ts';

export const logsList: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const query: Record<string, string | undefined> = {
    ...callQuestion(options, Date.now()),
    limit: String(parseCount(options.text('limit') ?? '50', 1, 1000, '--limit')),
    cursor: options.text('cursor'),
  };
  const answer = await client.request('GET', '/v1/logs/requests', { query });
  const { requests, cursor, estimated_total: total } = readAnswer(answers.requests, answer, client.where);
  out.list(answer, requests, () =>
    requests.length === 0
      ? `No calls from ${timeText(query['start_time'])} to ${timeText(query['end_time'])} UTC.`
      : table(
          [
            { title: 'TIME (UTC)' },
            { title: 'STATUS' },
            { title: 'SERVER · TOOL' },
            { title: 'AGENT' },
            { title: 'LATENCY', align: 'right' },
            { title: 'COST', align: 'right' },
            { title: 'TRACE' },
          ],
          requests.map((call) => [
            timeText(call.time),
            statusText(plain(call.status), out.paint),
            plain([call.server, call.tool ?? call.operation].filter(Boolean).join(' · '), 60),
            plain(call.agent_name ?? '', 30),
            latencyText(call.latency_ms),
            moneyText(call.cost, call.currency),
            plain(call.trace_id),
          ]),
          out.paint.dim,
        ),
  );
  if (typeof total === 'number' && total > requests.length) out.note(`${requests.length} of about ${countText(total, 'call')}.`);
  if (cursor) out.note(`More: add --until ${query['end_time']} --since ${query['start_time']} --cursor ${plain(cursor, 500)}`);
  return undefined;
};
