import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { countText, exactMoneyText, priceText } from './say.ts';
import { table } from './table.ts';

const words: Readonly<Record<string, string>> = { fixed: '', counted: 'counted', recorded: 'mean of past calls', unknown: 'no past calls' };

export const costsEstimate: Command = async (context) => {
  const {
    arguments: [server, tool],
    options,
    out,
  } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('POST', '/v1/costs/estimate', { body: { server, tool, arguments: argumentsOf(options.text('arguments') ?? '{}') } });
  const { estimate } = readAnswer(answers.estimate, answer, client.where);
  out.result(answer, () =>
    [
      `${out.paint.bold(exactMoneyText(estimate.cost, estimate.currency))} ${estimate.priced_by === 'none' ? '(this tool has no price)' : `by the price of its ${plain(estimate.priced_by)}`}; ${countText(estimate.recorded.calls, 'call')} in the last ${estimate.recorded.days} days`,
      '',
      table(
        [{ title: 'PRICE' }, { title: 'UNIT', align: 'right' }, { title: 'QUANTITY', align: 'right' }, { title: 'COST', align: 'right' }, { title: '' }],
        estimate.lines.map(({ price, unit_price: unit, quantity, cost, from }) => [
          plain(price),
          priceText(unit),
          String(Math.round(quantity * 1000) / 1000),
          exactMoneyText(cost, estimate.currency),
          words[from] ?? plain(from),
        ]),
        out.paint.dim,
      ),
    ].join('\n'),
  );
  return undefined;
};

function argumentsOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new Fault('usage', { reason: `--arguments must be a JSON object, such as '{"text":"hello"}'.` });
}
