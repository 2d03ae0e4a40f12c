import { z } from 'zod';
import { readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';
import { parseCount } from './when.ts';

const cellCharsMax = 40;
const seen = z.looseObject({
  agent: z.string().nullable(),
  client_names: z.array(z.string()),
  keys: z.array(z.string()),
  servers: z.array(z.string()),
  calls: z.number(),
  first_seen: z.string(),
  last_seen: z.string(),
});

export const agentsUnregistered: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const days = parseCount(options.text('days') ?? '30', 1, 90, '--days');
  const limit = parseCount(options.text('limit') ?? '50', 1, 200, '--limit');
  const answer = await client.request('GET', '/v1/unregistered-agents', { query: { days: String(days), limit: String(limit) } });
  const { agents, truncated } = readAnswer(z.looseObject({ agents: z.array(seen), truncated: z.boolean() }), answer, client.where);
  out.list(answer, agents, () =>
    agents.length === 0
      ? `Every agent that called in the last ${days} days is in the catalogue.`
      : table(
          [
            { title: 'AGENT' },
            { title: 'PROGRAM' },
            { title: 'KEYS' },
            { title: 'SERVERS' },
            { title: 'CALLS', align: 'right' },
            { title: 'FIRST SEEN' },
            { title: 'LAST SEEN' },
          ],
          agents.map((one) => [
            one.agent === null ? '–' : plain(one.agent, cellCharsMax),
            plain(one.client_names.join(' '), cellCharsMax),
            plain(one.keys.join(' '), cellCharsMax),
            plain(one.servers.join(' '), cellCharsMax),
            String(one.calls),
            timeText(one.first_seen),
            timeText(one.last_seen),
          ]),
          out.paint.dim,
        ),
  );
  if (truncated) out.note('There may be more: ask for fewer --days or a higher --limit.');
  if (agents.some(({ agent }) => agent !== null)) out.note('Put one into the catalogue, with its calls: gateway agents create --from AGENT --owner user:ID');
  return undefined;
};
