import type { Column } from '../record/call-row.ts';
import type { CallPlace } from '../store/ledger/calls.ts';
import { layoutOf, type Extent } from './frames.ts';

/** Where the row that begins with this intent lies in the ledger, or null where the intent is not one. */
export function readPlace(columns: readonly Column[], intent: Buffer): CallPlace | null {
  const layout = layoutOf(columns, intent);
  if (layout === null) return null;
  const extent = (name: string): Extent | undefined => layout[columns.findIndex((column) => column.name === name)];
  const organization = extent('org_id');
  const trace = extent('trace_id');
  const span = extent('span_id');
  const startedAt = extent('started_at');
  if (!organization || !trace || !span || !startedAt) return null;
  return {
    organizationId: intent.toString('utf8', organization.start, organization.end),
    traceHex: intent.toString('latin1', trace.start, trace.end),
    spanHex: intent.toString('latin1', span.start, span.end),
    startedAtUs: intent.readBigInt64LE(startedAt.start),
  };
}
