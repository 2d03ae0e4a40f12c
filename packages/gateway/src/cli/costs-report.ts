import { pipeline } from 'node:stream/promises';
import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { costQuery } from './cost-query.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { changeText, countText, moneyText } from './say.ts';
import { table } from './table.ts';

export const costsReport: Command = async (context) => {
  const { options, out } = context;
  const groupBy = options.text('group-by') ?? 'team';
  const now = new Date();
  const monthEnd = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 0)).toISOString().slice(0, 10);
  const query = costQuery(options, monthEnd);
  const client = openGatewayClient(context);
  if (options.on('csv')) {
    await pipeline(await client.download('/v1/costs/summary', { ...query, group_by: groupBy, format: 'csv' }), process.stdout, { end: false });
    return undefined;
  }
  const [summaryAnswer, trendAnswer] = [
    await client.request('GET', '/v1/costs/summary', { query: { ...query, group_by: groupBy, compare: 'true' } }),
    await client.request('GET', '/v1/costs/trend', { query }),
  ];
  const { summary, breakdown, truncated } = readAnswer(answers.costs, summaryAnswer, client.where);
  const { trend } = readAnswer(answers.costTrend, trendAnswer, client.where);
  const money = (amount: number): string => moneyText(amount, trend.currency);
  out.list({ summary, breakdown, truncated, trend }, breakdown, () =>
    [
      `${plain(summary.period.start)} to ${plain(summary.period.end)}: ${out.paint.bold(money(summary.total_cost))} for ${countText(summary.total_calls, 'call')}`,
      `Before: ${money(trend.previous.total_cost)} for ${countText(trend.previous.total_calls, 'call')}, ${changeText(trend.previous.change_percent)}`,
      ...(trend.projection === null
        ? []
        : [
            `At its end: ${money(trend.projection.cost)} (${money(trend.projection.low)} to ${money(trend.projection.high)})`,
            out.paint.dim(plain(trend.projection.method, 500)),
          ]),
      ...(summary.unpriced_calls ? [`${countText(summary.unpriced_calls, 'call')} without a price`] : []),
      '',
      table(
        [
          { title: groupBy.toUpperCase() },
          { title: 'CALLS', align: 'right' },
          { title: 'COST', align: 'right' },
          { title: 'SHARE', align: 'right' },
          { title: 'CHANGE', align: 'right' },
        ],
        breakdown.map(({ group, calls, cost, share_percent: share, change_percent: change }) => [
          plain(group || '(none)', 60),
          String(calls),
          money(cost),
          share === null || share === undefined ? '–' : `${share} %`,
          changeText(change),
        ]),
        out.paint.dim,
      ),
    ].join('\n'),
  );
  return undefined;
};
