import { proofLines } from '../../chain/proof-file.ts';
import type { ControlContext } from '../context.ts';
import { auditEvent } from './audit-event.ts';
import { storedProof, type CallScope } from './verify-audit.ts';

export const exportFormats = ['proof'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** The audit as lines of text, without line ends, as they are read. Who took it is recorded first. Faults: `unavailable`. */
export async function exportAudit(
  context: ControlContext,
  { format, calls }: { readonly format: ExportFormat; readonly calls: CallScope },
): Promise<AsyncIterable<string>> {
  await context.registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'audit.exported', format, { calls })));
  // With a checkpoint of now the whole of it is signed for.
  await context.audit.checkpoint();
  return proofLines(storedProof(context, calls), { organizationId: context.organizationId, node: context.audit.node, atMs: context.clock.nowMs() });
}
