import { sizeText } from '../config/quantities.ts';
import { bounds } from '../kernel/bounds.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { statusText } from './status-glyph.ts';
import { table } from './table.ts';
import { parseCount } from './when.ts';

export const backupList: Command = async (context) => {
  const { options, out } = context;
  const limit = parseCount(options.text('limit') ?? '50', 1, bounds.backupsListMax, '--limit');
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/backups', { query: { limit: String(limit), cursor: options.text('cursor') } });
  const { backups, schedule, cursor } = readAnswer(answers.backups, answer, client.where);
  out.list(answer, backups, () => {
    const plan =
      schedule === null
        ? 'No backups are taken by themselves: backup in gateway.yaml says how (docs/guides/backup.md).'
        : `One every ${plain(schedule.every)} into ${plain(schedule.folder)}, kept for ${plain(schedule.keep)}; the next one ${timeText(schedule.next_at)} UTC.${schedule.reason === null ? '' : `\n${out.paint.yellow('▲')} ${plain(schedule.reason, 500)}`}`;
    if (backups.length === 0) return plan;
    const rows = backups.map((backup) => [
      timeText(backup.started_at),
      statusText(plain(backup.state), out.paint),
      plain(backup.node),
      backup.bytes === null ? '–' : sizeText(Math.ceil(backup.bytes / 1024) * 1024),
      plain(backup.ledger),
      plain(backup.reason ?? backup.file, 200),
    ]);
    const titles = [
      { title: 'BEGUN (UTC)' },
      { title: 'STATE' },
      { title: 'NODE' },
      { title: 'SIZE', align: 'right' as const },
      { title: 'LEDGER' },
      { title: 'FILE' },
    ];
    return `${table(titles, rows, out.paint.dim)}\n${plan}`;
  });
  if (cursor !== null && out.format === 'text') out.note(`There are more: --cursor ${plain(cursor)}`);
  return undefined;
};
