import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { statusText } from './status-glyph.ts';
import { table } from './table.ts';

export const serversGet: Command = async (context) => {
  const {
    arguments: [name = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  const { server } = readAnswer(answers.server, await client.request('GET', `/v1/servers/${encodeURIComponent(name)}`), client.where);
  out.result(server, () => {
    const lines = [
      `${plain(server.name)}  ${statusText(server.state, out.paint)}${server.reason === null ? '' : ` (${plain(server.reason)})`}`,
      out.paint.dim(`${plain(server.transport)}, served at ${plain(server.path)}, auth ${plain(server.auth)}: ${plain(server.target)}`),
    ];
    if (server.targets.length === 0) return lines.join('\n');
    const rows = server.targets.map((target) => [
      plain(target.name),
      statusText(target.state, out.paint) + (target.reason === null ? '' : ` (${plain(target.reason)})`),
      target.role === null ? '' : plain(target.role),
      String(target.weight),
      String(target.calls),
      String(target.failures),
      String(target.retries),
      String(target.in_flight),
      plain(target.address),
    ]);
    const titles = ['TARGET', 'STATE', 'ROLE', 'WEIGHT', 'CALLS', 'FAILURES', 'RETRIES', 'IN FLIGHT', 'ADDRESS'];
    return `${lines.join('\n')}\n\n${table(
      titles.map((title) => ({ title })),
      rows,
      out.paint.dim,
    )}`;
  });
  return undefined;
};
