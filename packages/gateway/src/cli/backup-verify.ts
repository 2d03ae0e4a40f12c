import { backupSummary, checkBackup, summaryText } from './backup-file.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-codes.ts';

export const backupVerify: Command = async (context) => {
  const {
    arguments: [name = ''],
    out,
  } = context;
  const checked = await checkBackup(context, name);
  const summary = backupSummary(checked);
  checked.file.close();
  out.result(summary, () => summaryText(summary, out));
  return summary.audit_ok ? exitCodes.ok : exitCodes.problemsFound;
};
