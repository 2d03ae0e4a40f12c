import { readFileSync, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BackupDamaged, openBackup, type BackupFile } from '../backup/open-backup.ts';
import { verifyBackup, type BackupVerdict } from '../backup/verify-backup.ts';
import { sizeText } from '../config/quantities.ts';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { publicKeys } from './audit-verify.ts';
import type { CommandContext } from './command.ts';
import { plain, type Output } from './output.ts';
import { countText, timeText } from './say.ts';

const progressMs = 2_000;

export interface CheckedBackup {
  readonly file: BackupFile;
  readonly verdict: BackupVerdict;
}

/** Opens a backup and reads all of it. The caller closes it. Faults: `usage`, `backup_damaged`. */
export async function checkBackup({ options, out, cwd }: Pick<CommandContext, 'options' | 'out' | 'cwd'>, name: string): Promise<CheckedBackup> {
  const path = resolve(cwd, name);
  if (!existsSync(path)) throw new Fault('usage', { reason: `There is no file ${name}.` });
  const given = options.list('key').flatMap((text) => publicKeys(text, cwd));
  const file = await damageNamed(name, () => openBackup(path));
  try {
    const progress = slowly(out);
    const verdict = await damageNamed(name, () =>
      verifyBackup(file, {
        trusted: given.length > 0 ? given : null,
        findingsMax: bounds.auditFindingsMax,
        onPart: (done, of) => progress(`checked ${done} of ${of} parts`),
      }),
    );
    return { file, verdict };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** What is wrong with a backup is a fault with its place. */
export async function damageNamed<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BackupDamaged)) throw error;
    throw new Fault('backup_damaged', { file: name, reason: error.message }, { cause: error.cause ?? error });
  }
}

/** Notes on stderr, not more than one in two seconds. */
export function slowly({ note }: Output): (text: string) => void {
  let nextMs = performance.now() + progressMs;
  return (text) => {
    if (performance.now() < nextMs) return;
    nextMs = performance.now() + progressMs;
    note(`  ${text}`);
  };
}

export function backupSummary({ file, verdict }: CheckedBackup) {
  const { manifest, signer } = file;
  const rows = (prefix: string): number => file.parts(prefix).reduce((sum, part) => sum + part.rows, 0);
  return {
    made_at: manifest.made_at,
    version: manifest.version,
    node: manifest.node,
    signed_by: signer.keyId,
    audit_ok: verdict.ok,
    events: verdict.audits.reduce((sum, { report }) => sum + report.events.records, 0),
    keys: rows('registry/api_keys/'),
    ledger: manifest.ledger.scope,
    calls: rows('ledger/calls/'),
    bytes: manifest.parts.reduce((sum, { bytes }) => sum + bytes, 0),
    findings: verdict.audits.flatMap(({ report }) => report.findings.map(({ kind, chain, from, to, text }) => ({ kind, chain, from, to, text }))),
  };
}

export function summaryText(summary: ReturnType<typeof backupSummary>, { paint }: Output): string {
  const { made_at: madeAt, node, signed_by: signedBy, audit_ok: isWhole, events, keys, ledger, calls, bytes, findings } = summary;
  const ledgerText = ledger === 'none' ? 'nothing of the ledger' : ledger === 'costs' ? 'what each day has cost' : countText(calls, 'call');
  return [
    `${isWhole ? '✓' : paint.red('⬣')} A backup of ${plain(node)}, ${timeText(madeAt)} UTC, signed by ${plain(signedBy)}.`,
    `  ${countText(keys, 'key')}, ${countText(events, 'audit event')}, ${ledgerText}; ${sizeText(Math.ceil(bytes / 1024) * 1024)} unpacked.`,
    isWhole ? '  Every part is as it was written, and the audit is whole.' : '  Every part is as it was written, but the audit in it was changed before:',
    ...findings.map(
      ({ kind, chain, from, to, text }) =>
        `${paint.red('⬣')} ${kind}${from === 0 ? '' : ` ${plain(chain)} ${from === to ? from : `${from}–${to}`}`}: ${plain(text, 500)}`,
    ),
  ].join('\n');
}

/** The configuration file that a backup holds; null where it has none. */
export async function configOf(file: BackupFile): Promise<Buffer | null> {
  const [part] = file.parts('gateway.yaml');
  return part === undefined ? null : file.read(part);
}

export function sameFile(path: string, bytes: Buffer): boolean {
  return readFileSync(path).equals(bytes);
}
