import { z } from 'zod';
import { configName, type LedgerScope } from '../../backup/manifest.ts';
import { ledgerFolder, registryFolder } from '../../backup/verify-backup.ts';
import { backupBytes, type BackupWriter, type ManifestHead } from '../../backup/write-backup.ts';
import type { CallHead } from '../../chain/call-entry.ts';
import { checkpointBody } from '../../chain/checkpoint.ts';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { openSpool, type Spool } from './spool.ts';

export interface BackupInput {
  readonly ledger: LedgerScope;
  /** Days of calls, `YYYY-MM-DD`, UTC, both included; null: open. */
  readonly from: string | null;
  readonly to: string | null;
}

/**
 * The bytes of a backup, as they are read. The registry is that of one moment, with the audit up to a checkpoint that was signed for it;
 * calls are in it as far as that checkpoint speaks for them. One at a time. Faults: `unavailable`.
 */
export async function takeBackup(context: ControlContext, input: BackupInput): Promise<AsyncGenerator<Buffer>> {
  if (input.ledger !== 'none') requireLedger(context);
  requireNone(context);
  await context.registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'backup.taken', input.ledger, { ...input })));
  // With a checkpoint of now all that is in the backup is signed for.
  await context.audit.checkpoint();
  const madeAt = new Date(context.clock.nowMs());
  return alone(
    context,
    backupBytes(context.audit.key, madeAt, (writer) => fill(context, input, madeAt, writer)),
  );
}

const underWay = new WeakSet<object>();

function requireNone({ registry }: ControlContext): void {
  if (underWay.has(registry)) throw new Fault('unavailable', { reason: 'a backup is being made already' });
}

/** It is under way from its first byte: one that nobody begins to read is none. */
async function* alone(context: ControlContext, bytes: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  requireNone(context);
  underWay.add(context.registry);
  try {
    yield* bytes;
  } finally {
    underWay.delete(context.registry);
  }
}

async function fill(context: ControlContext, input: BackupInput, madeAt: Date, writer: BackupWriter): Promise<ManifestHead> {
  const { registry, audit, backup } = context;
  const configuration = backup.configuration();
  if (configuration.text !== null) await writer.add(configName, 0, configuration.text);
  const spool = await openSpool(backup.spoolFolder);
  try {
    const migrations = await registry.backup.migrations();
    const { chains, heads } = await readRegistry(context, spool);
    const number = counter();
    for await (const { table, rows, bytes } of spool.parts()) await writer.add(`${registryFolder(table)}${number(table)}.ndjson`, rows, bytes);
    for (const { organizationId, head } of chains)
      await addLines(writer, registryFolder('audit_events'), number, registry.backup.events(organizationId, head.sequence));
    const columns = input.ledger === 'none' ? {} : await addLedger(context, { ...input, scope: input.ledger }, heads, writer);
    return {
      format: 1,
      version: backup.version,
      node: audit.node,
      made_at: madeAt.toISOString(),
      registry: { migrations: [...migrations] },
      audit: {
        heads: chains.map(({ organizationId, head }) => ({ organization_id: organizationId, ...head })),
        trusted_keys: [...audit.trustedKeys()],
      },
      ledger: { scope: input.ledger, from: input.from, to: input.to, columns, heads },
      configuration: { file: configuration.file, references: [...configuration.references] },
    };
  } finally {
    await spool.close();
  }
}

const checkpointRow = z.object({ organization_id: z.string(), body: z.string() });

/** Every table goes to the spool; checkpoints say on their way how far the chains of calls are signed for. */
async function readRegistry({ registry }: ControlContext, spool: Spool) {
  const ends = new Map<string, Map<string, CallHead>>();
  const chains = await registry.backup.snapshot(async (table, rows) => {
    await spool.add(table, rows);
    if (table !== 'audit_checkpoints') return;
    for (const row of rows) {
      const { organization_id: organizationId, body } = checkpointRow.parse(JSON.parse(row));
      const known = ends.get(organizationId) ?? new Map<string, CallHead>();
      ends.set(organizationId, known);
      for (const head of callsOf(body)) if (head.entry > (known.get(head.chain)?.entry ?? 0)) known.set(head.chain, head);
    }
  });
  return { chains, heads: Object.fromEntries([...ends].map(([organizationId, known]) => [organizationId, [...known.values()]])) };
}

/** None where somebody has put something else there: the check of the audit names it. */
function callsOf(body: string): readonly CallHead[] {
  try {
    return checkpointBody.parse(JSON.parse(body)).calls;
  } catch {
    return [];
  }
}

async function addLedger(
  context: ControlContext,
  input: BackupInput & { readonly scope: 'costs' | 'all' },
  heads: Readonly<Record<string, readonly CallHead[]>>,
  writer: BackupWriter,
): Promise<Record<string, string[]>> {
  const ledger = requireLedger(context).backup;
  const number = counter();
  if (input.scope === 'all') {
    const folder = ledgerFolder('call_chain');
    for await (const entries of ledger.entries(heads))
      await writer.add(`${folder}${number('call_chain')}.ndjson`, entries.length, linesOf(entries.map((entry) => JSON.stringify(entry))));
  }
  for await (const { table, rows, bytes } of ledger.parts({ ...input, heads })) await writer.add(`${ledgerFolder(table)}${number(table)}.native`, rows, bytes);
  return Object.fromEntries(Object.entries(await ledger.columns()).map(([table, names]) => [table, [...names]]));
}

async function addLines(writer: BackupWriter, folder: string, number: (name: string) => string, pages: AsyncIterable<readonly string[]>): Promise<void> {
  let waiting: string[] = [];
  let length = 0;
  const put = async (): Promise<void> => {
    if (waiting.length > 0) await writer.add(`${folder}${number(folder)}.ndjson`, waiting.length, linesOf(waiting));
    waiting = [];
    length = 0;
  };
  for await (const page of pages) {
    waiting.push(...page);
    length += page.reduce((sum, line) => sum + line.length, 0);
    if (waiting.length >= bounds.backupPartRows || length >= bounds.backupPartBytes) await put();
  }
  await put();
}

function linesOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

/** Numbers the parts of each table from 1. */
function counter(): (name: string) => string {
  const numbers = new Map<string, number>();
  return (name) => {
    const next = (numbers.get(name) ?? 0) + 1;
    numbers.set(name, next);
    return String(next).padStart(6, '0');
  };
}
