import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Fault } from '../kernel/fault.ts';
import { createLog } from '../node/create-log.ts';
import { restoreGateway } from '../node/restore-gateway.ts';
import { backupSummary, checkBackup, configOf, damageNamed, sameFile, slowly, summaryText, type CheckedBackup } from './backup-file.ts';
import type { Command, CommandContext } from './command.ts';
import { defaultConfigFile, loadNamedConfig } from './config-file.ts';
import { defaultStateFolder } from './gateway-client.ts';
import { countText } from './say.ts';

/** Everything is checked before anything is made. */
export const restore: Command = async (context) => {
  const {
    arguments: [name = ''],
    options,
    out,
    cwd,
  } = context;
  const checked = await checkBackup(context, name);
  const { file } = checked;
  try {
    const summary = backupSummary(checked);
    if (!summary.audit_ok && !options.on('despite-findings'))
      throw new Fault('restore_refused', {
        reason: `the audit in it was changed before the backup was made (${summary.findings[0]?.text ?? 'see `gateway backup verify`'})`,
        fix: 'See all findings with `gateway backup verify`. If it is the best there is, restore it with --despite-findings; the audit keeps a record of that.',
      });
    const stateFolder = resolve(cwd, options.text('state') ?? defaultStateFolder);
    const configFile = await placeConfig(context, checked);
    const config = loadNamedConfig({ ...context, arguments: [] });
    const result = await damageNamed(name, () =>
      restoreGateway(stateFolder, {
        file,
        config,
        replace: options.on('replace'),
        findings: summary.findings.length,
        log: createLog({ ...config.log, level: 'warn' }),
        onProgress: slowly(out),
      }),
    );
    const answer = { state: stateFolder, config: configFile, ...summary, rows: result.rows, moved_aside: result.movedAside };
    out.result(answer, () =>
      [
        summaryText(summary, out),
        `  Restored into ${stateFolder}: ${countText(result.rows.registry, 'row')} of the registry, ${result.rows.ledger} of the ledger.`,
        ...result.movedAside.map((path) => `  What was there is now ${path}; delete it when it is not needed any more.`),
        ...file.manifest.configuration.references.map((reference) => `  Not in the backup, and needed: ${reference}`),
        '  Next: gateway start, then gateway audit verify.',
      ].join('\n'),
    );
    return undefined;
  } finally {
    file.close();
  }
};

/** Where the file is not there, that of the backup is written: it says where the stores are. Returns the path, or null where there is none. */
async function placeConfig({ options, out, cwd }: CommandContext, { file }: CheckedBackup): Promise<string | null> {
  const path = resolve(cwd, options.text('config') ?? defaultConfigFile);
  const bytes = await configOf(file);
  if (!existsSync(path)) {
    if (bytes === null) return null;
    writeFileSync(path, bytes, { flag: 'wx', mode: 0o600 });
    out.note(`  ${path} is that of the backup.`);
  } else if (bytes !== null && !sameFile(path, bytes))
    out.note(`  ${path} is another one than that of the backup, and stays as it is; \`unzip -p FILE gateway.yaml\` shows the other.`);
  return path;
}
