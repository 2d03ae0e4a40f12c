import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { priceText, timeText } from './say.ts';
import { table } from './table.ts';

const columns = ['per_call', 'per_token_input', 'per_token_output', 'per_second'] as const;

export const costsPrices: Command = async (context) => {
  const { out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/costs/prices');
  const { prices, versions } = readAnswer(answers.prices, answer, client.where);
  out.list(answer, versions, () => {
    const entries = [{ server: '(default)', tool: null, ...prices.default }, ...prices.overrides];
    return [
      `Version ${prices.version} in ${plain(prices.currency)}, ${prices.managed_by === 'file' ? `managed by ${plain(prices.file ?? 'the file')}` : 'managed here: `gateway costs set-prices FILE`'}`,
      '',
      table(
        [{ title: 'SERVER' }, { title: 'TOOL' }, ...columns.map((title) => ({ title: title.toUpperCase(), align: 'right' as const }))],
        entries.map((entry) => [plain(entry.server, 40), plain(entry.tool ?? '*', 40), ...columns.map((name) => priceText(entry[name]))]),
        out.paint.dim,
      ),
      ...(versions.length === 0
        ? []
        : [
            '',
            table(
              [{ title: 'VERSION', align: 'right' }, { title: 'FROM' }, { title: 'SET' }, { title: 'BY' }, { title: 'SOURCE' }],
              versions.map((version) => [
                String(version.version),
                timeText(version.effective_from),
                timeText(version.created_at),
                plain(version.created_by_name ?? version.created_by, 40),
                plain(version.source),
              ]),
              out.paint.dim,
            ),
          ]),
    ].join('\n');
  });
  return undefined;
};
