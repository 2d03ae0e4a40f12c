import type { z } from 'zod';
import type { answers } from './answers.ts';
import { plain, type Output } from './output.ts';
import { statusText } from './status-glyph.ts';
import { table } from './table.ts';

type ServerAnswer = z.output<typeof answers.server>['server'];

/** A server with its targets, for people. */
export function serverText(server: ServerAnswer, paint: Output['paint']): string {
  const lines = [
    `${plain(server.name)}  ${statusText(server.state, paint)}${server.reason === null ? '' : ` (${plain(server.reason)})`}`,
    paint.dim(`${plain(server.transport)}, served at ${plain(server.path)}, auth ${plain(server.auth)}: ${plain(server.target)}`),
    ...(server.canary === null ? [] : [canaryLine(server.canary)]),
    ...(server.order === null
      ? []
      : [`asked for beside gateway.yaml at ${plain(server.order.changed_at)} by ${plain(server.order.changed_by_name ?? server.order.changed_by)}`]),
  ];
  if (server.targets.length === 0) return lines.join('\n');
  const rows = server.targets.map((target) => [
    plain(target.name),
    statusText(target.state, paint) + (target.reason === null ? '' : ` (${plain(target.reason)})`),
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
    paint.dim,
  )}`;
}

function canaryLine({ target, share, header, principals }: NonNullable<ServerAnswer['canary']>): string {
  const parts = [
    `${share} % of the calls`,
    ...(header === null ? [] : [`those with ${plain(header.name)}: ${plain(header.value)}`]),
    ...(principals.length === 0 ? [] : [`those of ${plain(principals.join(', '), 300)}`]),
  ];
  return `canary ${plain(target)}: ${parts.join(', ')}`;
}
