import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { statusText } from './status-glyph.ts';
import { table } from './table.ts';

export const serversList: Command = async (context) => {
  const { out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/servers');
  const { servers } = readAnswer(answers.servers, answer, client.where);
  out.list(answer, servers, () =>
    servers.length === 0
      ? 'No servers. Add one to gateway.yaml.'
      : table(
          [{ title: 'NAME' }, { title: 'STATE' }, { title: 'TRANSPORT' }, { title: 'PATH' }, { title: 'AUTH' }, { title: 'TARGET' }],
          servers.map((server) => [
            plain(server.name),
            statusText(server.state, out.paint) + (server.reason === null ? '' : ` (${plain(server.reason)})`),
            plain(server.transport),
            plain(server.path),
            plain(server.auth),
            plain(server.target),
          ]),
          out.paint.dim,
        ),
  );
  return undefined;
};
