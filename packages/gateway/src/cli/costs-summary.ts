import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { countText, moneyText } from './say.ts';
import { table } from './table.ts';
import { parseDay } from './when.ts';

export const costsSummary: Command = async (context) => {
  const { options, out } = context;
  const today = new Date().toISOString().slice(0, 10);
  const from = parseDay(options.text('from') ?? `${today.slice(0, 8)}01`, '--from');
  const to = parseDay(options.text('to') ?? today, '--to');
  const groupBy = options.text('group-by') ?? 'day';
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/costs/summary', { query: { start_date: from, end_date: to, group_by: groupBy } });
  const { summary, breakdown } = readAnswer(answers.costs, answer, client.where);
  out.list(answer, breakdown, () =>
    [
      `${out.paint.bold(moneyText(summary.total_cost, summary.currency))} for ${countText(summary.total_calls, 'call')}, ${plain(summary.period.start)} to ${plain(summary.period.end)}`,
      ...(breakdown.length === 0
        ? []
        : [
            '',
            table(
              [{ title: groupBy.toUpperCase() }, { title: 'CALLS', align: 'right' }, { title: 'COST', align: 'right' }],
              breakdown.map(({ group, calls, cost }) => [plain(group || '(none)', 60), String(calls), moneyText(cost, summary.currency)]),
              out.paint.dim,
            ),
          ]),
    ].join('\n'),
  );
  return undefined;
};
