import { proofLines } from '../../chain/proof-file.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { AuditPlace } from '../../store/registry/registry-store.ts';
import type { ControlContext } from '../context.ts';
import { auditEvent } from './audit-event.ts';
import { formatEvent, formatHead, type EventFormat } from './event-formats.ts';
import type { AuditFilter } from './list-events.ts';
import { revealPeople } from './reveal-people.ts';
import { storedProof, type CallScope } from './verify-audit.ts';

export const exportFormats = ['proof', 'csv', 'jsonl', 'cef', 'ocsf'] as const satisfies readonly ('proof' | EventFormat)[];
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportOptions {
  readonly format: ExportFormat;
  /** Of a proof: what it holds of calls. */
  readonly calls: CallScope;
  /** Of all other formats: which events. A proof has all. */
  readonly filter: AuditFilter;
}

/** The audit as lines of text, without line ends, as they are read. Who took it is recorded first. Faults: `unavailable`. */
export async function exportAudit(context: ControlContext, { format, calls, filter }: ExportOptions): Promise<AsyncIterable<string>> {
  const asked = format === 'proof' ? { calls } : Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null));
  await context.registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'audit.exported', format, asked)));
  if (format !== 'proof') return eventLines(context, format, filter);
  // With a checkpoint of now the whole of it is signed for.
  await context.audit.checkpoint();
  return proofLines(storedProof(context, calls), { organizationId: context.organizationId, node: context.audit.node, atMs: context.clock.nowMs() });
}

/** Every event that fits, newest first. */
async function* eventLines(context: ControlContext, format: EventFormat, filter: AuditFilter): AsyncGenerator<string> {
  const head = formatHead(format);
  if (head !== null) yield head;
  for (let after: AuditPlace | null = null; ;) {
    const page = await context.registry.audit.list(context.organizationId, { ...filter, after, limit: bounds.auditPageRecords });
    for (const event of await revealPeople(context, page)) yield formatEvent(format, event, context.figures);
    after = page.at(-1) ?? null;
    if (page.length < bounds.auditPageRecords) return;
  }
}
