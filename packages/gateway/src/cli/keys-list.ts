import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { scopeText } from './key-text.ts';
import { plain } from './output.ts';
import { moneyText, timeText } from './say.ts';
import { statusText } from './status-glyph.ts';
import { table } from './table.ts';
import { parseCount } from './when.ts';

export const keysList: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const limit = parseCount(options.text('limit') ?? '50', 1, 200, '--limit');
  const answer = await client.request('GET', '/v1/auth/keys', {
    query: {
      limit: String(limit),
      cursor: options.text('cursor'),
      q: options.text('search'),
      status: options.text('status'),
      unused_days: options.text('unused'),
      user_id: options.text('user'),
      service_account_id: options.text('service-account'),
      agent: options.text('agent'),
      team_id: options.text('team'),
      project_id: options.text('project'),
    },
  });
  const { keys, cursor } = readAnswer(answers.keys, answer, client.where);
  out.list(answer, keys, () =>
    keys.length === 0
      ? 'No API keys. Make one with: gateway keys create --name NAME'
      : table(
          [
            { title: 'ID' },
            { title: 'NAME' },
            { title: 'PREFIX' },
            { title: 'STATUS' },
            { title: 'MAY' },
            { title: 'EXPIRES' },
            { title: 'LAST USED' },
            { title: 'CALLS', align: 'right' },
            { title: 'COST', align: 'right' },
          ],
          keys.map((key) => [
            plain(key.id),
            plain(key.name, 40),
            plain(key.prefix),
            statusText(key.status ?? 'active', out.paint),
            scopeText(key.scopes),
            key.expires_at ? timeText(key.expires_at) : 'never',
            timeText(key.last_used),
            key.usage ? String(key.usage.calls) : '–',
            moneyText(key.usage?.cost),
          ]),
          out.paint.dim,
        ),
  );
  if (cursor) out.note(`More: gateway keys list --cursor ${plain(cursor)}`);
  return undefined;
};
