import { proofLines } from '../../chain/proof-file.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { auditEvent } from './audit-event.ts';
import { formatEvent, formatHead, type EventFormat } from './event-formats.ts';
import { callsThatFit, type CallChoice } from './list-calls.ts';
import { begin, readEvents, type AuditFilter, type AuditPosition } from './list-events.ts';
import { storedProof, type CallScope } from './verify-audit.ts';

export const exportFormats = ['proof', 'csv', 'jsonl', 'cef', 'ocsf'] as const satisfies readonly ('proof' | EventFormat)[];
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportOptions {
  readonly format: ExportFormat;
  /** Of a proof: what it holds of calls. */
  readonly calls: CallScope;
  /** Of all other formats: which events. A proof has all. */
  readonly filter: AuditFilter;
  /** And which calls among them. */
  readonly events: CallChoice;
}

/** The audit as lines of text, without line ends, as they are read. Who took it is recorded first. Faults: `unavailable`. */
export async function exportAudit(context: ControlContext, { format, calls, filter, events }: ExportOptions): Promise<AsyncIterable<string>> {
  const asked = format === 'proof' ? { calls } : Object.fromEntries(Object.entries({ ...filter, tool_calls: events }).filter(([, value]) => value !== null));
  // Half an audit that does not say so is none.
  if (format !== 'proof' && callsThatFit(filter, events) !== null) requireLedger(context);
  await context.registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'audit.exported', format, asked)));
  if (format !== 'proof') return eventLines(context, format, filter, events);
  // With a checkpoint of now the whole of it is signed for.
  await context.audit.checkpoint();
  return proofLines(storedProof(context, calls), { organizationId: context.organizationId, node: context.audit.node, atMs: context.clock.nowMs() });
}

/** Every event that fits, newest first. */
async function* eventLines(context: ControlContext, format: EventFormat, filter: AuditFilter, calls: CallChoice): AsyncGenerator<string> {
  const head = formatHead(format);
  if (head !== null) yield head;
  for (let after: AuditPosition | null = begin; after !== null;) {
    const page = await readEvents(context, { filter, calls, after, limit: bounds.auditPageRecords });
    for (const event of page.events) yield formatEvent(format, event, context.figures);
    after = page.next;
  }
}
