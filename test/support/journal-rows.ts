/** Calls as they stand in a journal, by column: what the record says, before any ledger. */
import { CallRowReader } from '../../packages/gateway/src/telemetry/call-row-reader.ts';
import { columnsOf, scanFrames } from '../../packages/gateway/src/telemetry/frames.ts';

export type JournalRow = Readonly<Record<string, string | number>>;

/** The calls of one segment that have their outcome, in the order in which they ended. */
export function journalRows(segment: Buffer): JournalRow[] {
  const head = segment.indexOf(0x0a);
  const named = JSON.parse(segment.toString('utf8', 0, head)) as { intent: string[]; outcome: string[] };
  const [intent, outcome] = [columnsOf(named.intent), columnsOf(named.outcome)];
  if (intent === null || outcome === null) throw new Error('the journal has columns that nobody knows');
  const reader = new CallRowReader({ intent, outcome });
  const intents = new Map<number, Buffer>();
  const rows: JournalRow[] = [];
  const bytes = segment.subarray(head + 1);
  scanFrames(bytes, (kind, callNumber, start, end) => {
    const payload = bytes.subarray(start, end);
    const begun = intents.get(callNumber);
    if (kind === 'intent') intents.set(callNumber, payload);
    else if (begun !== undefined && reader.at(begun, 0, begun.length, payload, 0, payload.length))
      rows.push(Object.fromEntries([...intent, ...outcome].map(({ name, type }) => [name, type.includes('String') ? reader.text(name) : reader.number(name)])));
    return true;
  });
  return rows;
}
