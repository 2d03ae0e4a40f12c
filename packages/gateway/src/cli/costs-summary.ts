import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { costQuery } from './cost-query.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { changeText, countText, moneyText } from './say.ts';
import { table } from './table.ts';

export const costsSummary: Command = async (context) => {
  const { options, out } = context;
  const groupBy = options.text('group-by') ?? 'day';
  const compare = options.on('compare');
  const query = { ...costQuery(options, new Date().toISOString().slice(0, 10)), group_by: groupBy, compare: String(compare) };
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/costs/summary', { query });
  const { summary, breakdown } = readAnswer(answers.costs, answer, client.where);
  const { previous, currency, unpriced_calls: unpriced = 0 } = summary;
  out.list(answer, breakdown, () =>
    [
      `${out.paint.bold(moneyText(summary.total_cost, currency))} for ${countText(summary.total_calls, 'call')}, ${plain(summary.period.start)} to ${plain(summary.period.end)}${previous ? `; before ${moneyText(previous.total_cost, currency)}, ${changeText(previous.change_percent)}` : ''}`,
      ...(unpriced === 0 ? [] : [`${countText(unpriced, 'call')} without a price: \`gateway costs prices\` shows what has one`]),
      ...(breakdown.length === 0
        ? []
        : [
            '',
            table(
              [
                { title: groupBy.toUpperCase() },
                { title: 'CALLS', align: 'right' },
                { title: 'COST', align: 'right' },
                ...(compare ? [{ title: 'CHANGE', align: 'right' as const }] : []),
              ],
              breakdown.map(({ group, calls, cost, change_percent: change }) => [
                plain(group || '(none)', 60),
                String(calls),
                moneyText(cost, currency),
                ...(compare ? [changeText(change)] : []),
              ]),
              out.paint.dim,
            ),
          ]),
    ].join('\n'),
  );
  return undefined;
};
