import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { statusText } from './status-glyph.ts';
import { table } from './table.ts';

export const auditStreams: Command = async (context) => {
  const { out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/audit/streams');
  const { streams } = readAnswer(answers.auditStreams, answer, client.where);
  out.list(answer, streams, () =>
    streams.length === 0
      ? 'No streams: audit.streams in gateway.yaml names them (docs/guides/siem.md).'
      : table(
          [
            { title: 'STREAM' },
            { title: 'STATE' },
            { title: 'TARGET' },
            { title: 'SENT', align: 'right' },
            { title: 'WAITING', align: 'right' },
            { title: 'LAST (UTC)' },
            { title: 'WHY' },
          ],
          streams.map((stream) => [
            plain(stream.name),
            statusText(plain(stream.state), out.paint),
            `${plain(stream.kind)} ${plain(stream.target, 80)}, ${plain(stream.format)}`,
            String(stream.delivered),
            stream.waiting === null ? '–' : String(stream.waiting),
            timeText(stream.last_delivered_at),
            plain(stream.reason ?? '', 200),
          ]),
          out.paint.dim,
        ),
  );
  return undefined;
};
