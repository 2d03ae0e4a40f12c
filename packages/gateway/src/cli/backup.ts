import { rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { sizeText } from '../config/quantities.ts';
import { Fault } from '../kernel/fault.ts';
import { backupSummary, checkBackup, slowly, summaryText } from './backup-file.ts';
import type { Command, OptionValues } from './command.ts';
import { pathToWrite, writeDownload } from './download-file.ts';
import { exitCodes } from './exit-codes.ts';
import { openGatewayClient } from './gateway-client.ts';
import { parseWhen } from './when.ts';

/** What was written is read again: a backup that cannot be restored is none. */
export const backup: Command = async (context) => {
  const {
    arguments: [named],
    options,
    out,
    cwd,
  } = context;
  const file = named ?? `gateway-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}Z.backup.zip`;
  const path = pathToWrite(file, cwd);
  if (path === null) throw new Fault('usage', { reason: 'A backup is written to a file.' });
  const answer = await openGatewayClient(context).download('/v1/backup', {
    ledger: options.text('ledger') ?? 'none',
    from: dayOf(options, 'since'),
    to: dayOf(options, 'until'),
  });
  const progress = slowly(out);
  let received = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _, done) {
      received += chunk.length;
      progress(`${sizeText(Math.ceil(received / 1024) * 1024)} received`);
      done(null, chunk);
    },
  });
  answer.once('error', (error) => counted.destroy(error));
  await writeDownload(answer.pipe(counted), path);
  let checked;
  try {
    checked = await checkBackup(context, file);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  const summary = backupSummary(checked);
  checked.file.close();
  out.result({ file: path, ...summary }, () => `${summaryText(summary, out)}\n  Written to ${file}.`);
  return summary.audit_ok ? exitCodes.ok : exitCodes.problemsFound;
};

/** Days are whole ones, of UTC. */
function dayOf(options: OptionValues, name: string): string | undefined {
  const text = options.text(name);
  return text === undefined ? undefined : new Date(parseWhen(text, Date.now(), -1, `--${name}`)).toISOString().slice(0, 10);
}
