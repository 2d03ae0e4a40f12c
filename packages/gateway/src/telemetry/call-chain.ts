import { hash as digest } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { chainStart } from '../chain/audit-record.ts';
import { chainNameForm, hashEntry, type CallHead, type ChainedEntry } from '../chain/call-entry.ts';
import { randomBase62 } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import { ByteWriter } from '../record/byte-writer.ts';
import type { Column } from '../record/call-row.ts';
import type { CallPlace } from '../store/ledger/calls.ts';
import { locate } from './frames.ts';
import { writeWhole } from './journal-folder.ts';
import type { RowShape } from './read-segment.ts';
import { RowBatch } from './row-batch.ts';

/** Rows as they go to the ledger, each with its place in the chain. */
export interface LinkedBatch {
  readonly columns: readonly string[];
  /** All groups, one after the other. */
  readonly rows: Buffer;
  readonly groups: readonly LinkedGroup[];
  /** Rows that are none: they are in no chain and go to no ledger. */
  readonly broken: RowBatch;
}

/** The rows of one organization and day. */
export interface LinkedGroup {
  readonly entry: ChainedEntry;
  readonly bytes: Buffer;
  /** Of its first row. */
  readonly place: CallPlace;
}

export interface CallChain {
  /**
   * Gives rows their places and says what they hash to. It is on disk when this resolves, and the same token gives the same again. Rows
   * of one writer come one batch after the other.
   */
  link(batch: { readonly writer: string; readonly token: string; readonly shape: RowShape; readonly rows: RowBatch }): Promise<LinkedBatch>;
  /** The ledger has the writer's last batch. */
  delivered(writer: string): void;
  /** The writer is gone: nothing of it is linked again. */
  forget(writer: string): void;
  /** After a start: forgets all writers but these. */
  keepOnly(writers: ReadonlySet<string>): void;
  /** How far the ledger has the chain of an organization; none before its first row. */
  heads(organizationId: string): readonly CallHead[];
  /** The name of the chain, and the last place that was given, rows on their way among them. */
  allocated(organizationId: string): { readonly chain: string; readonly sequence: number };
}

const text = z.string();
const entry = z.object({
  organizationId: text,
  chain: text,
  entry: z.int(),
  day: text,
  firstSequence: z.int(),
  rows: z.int(),
  rowsHash: text,
  columns: text,
  previousHash: text,
  hash: text,
});
const stateSchema = z.object({
  format: z.literal(1),
  chain: z.string().regex(chainNameForm),
  /** By organization. */
  heads: z.record(z.string(), z.object({ entry: z.int(), sequence: z.int(), hash: text })),
  /** By writer: its last batch, which may have to be sent again. */
  last: z.record(z.string(), z.object({ token: text, entries: z.array(entry), delivered: z.boolean() })),
});
type State = z.infer<typeof stateSchema>;

/** What the chain adds to each row. */
const ownColumns = ['chain', 'chain_seq'];

/** `path`: the file that remembers where the chain is. Faults: those of reading it. */
export function openCallChain({ path, node, log }: { readonly path: string; readonly node: string; readonly log: Log }): CallChain {
  const state: State = readState(path, log) ?? { format: 1, chain: `${node}-${randomBase62(6)}`, heads: {}, last: {} };

  async function link({ writer, token, shape, rows }: Parameters<CallChain['link']>[0]): Promise<LinkedBatch> {
    const { groups, broken } = groupRows(shape, rows);
    const columns = [...shape.intent, ...shape.outcome].map(({ name }) => name).concat(ownColumns);
    const known = state.last[writer];
    // A batch that is sent again keeps its places: the ledger tells by its token that it has it.
    const earlier = known?.token === token ? known.entries : null;
    const out = new ByteWriter(rows.byteLength + rows.count * (state.chain.length + 9));
    const linked: LinkedGroup[] = [];
    for (const [index, group] of groups.entries()) {
      const head = state.heads[group.organizationId] ?? { entry: 0, sequence: 0, hash: chainStart };
      const before = earlier?.[index];
      const firstSequence = before?.firstSequence ?? head.sequence + 1;
      const start = out.length;
      writeRows(out, rows, group.rows, state.chain, firstSequence);
      const made = {
        organizationId: group.organizationId,
        chain: state.chain,
        entry: before?.entry ?? head.entry + 1,
        day: group.day,
        firstSequence,
        rows: group.rows.length,
        rowsHash: digest('sha256', out.bytes.subarray(start, out.length), 'hex'),
        columns: columns.join(),
        previousHash: before?.previousHash ?? head.hash,
      };
      const hashed = { ...made, hash: hashEntry(made) };
      if (before !== undefined && before.hash !== hashed.hash) log.error('chain.differs', { chain: state.chain, entry: made.entry, token });
      if (before === undefined) state.heads[group.organizationId] = { entry: made.entry, sequence: firstSequence + made.rows - 1, hash: hashed.hash };
      linked.push({ entry: hashed, bytes: out.bytes.subarray(start, out.length), place: group.place });
    }
    if (earlier === null) {
      state.last[writer] = { token, entries: linked.map((one) => one.entry), delivered: false };
      await writeWhole(path, JSON.stringify(state));
    }
    return { columns, rows: out.bytes.subarray(0, out.length), groups: linked, broken };
  }

  return {
    link,
    delivered(writer) {
      // On disk with the next batch: until then it would only be looked at again.
      const known = state.last[writer];
      if (known !== undefined) known.delivered = true;
    },
    forget(writer) {
      delete state.last[writer];
    },
    keepOnly(writers) {
      for (const writer of Object.keys(state.last)) if (!writers.has(writer)) delete state.last[writer];
    },
    heads(organizationId) {
      const head = state.heads[organizationId];
      const waiting = Object.values(state.last)
        .filter(({ delivered }) => !delivered)
        .flatMap(({ entries }) => entries.filter((one) => one.organizationId === organizationId))
        .sort((a, b) => a.entry - b.entry);
      const [first] = waiting;
      if (head === undefined || first?.entry === 1) return [];
      if (first === undefined) return [{ chain: state.chain, ...head }];
      return [{ chain: state.chain, entry: first.entry - 1, sequence: first.firstSequence - 1, hash: first.previousHash }];
    },
    allocated: (organizationId) => ({ chain: state.chain, sequence: state.heads[organizationId]?.sequence ?? 0 }),
  };
}

interface Group {
  readonly organizationId: string;
  readonly day: string;
  readonly rows: number[];
  readonly place: CallPlace;
}

const dayUs = 86_400_000_000;

/** Rows by organization and day, in their order. Finds too which are no rows: the ledger would refuse the whole batch for them. */
function groupRows(shape: RowShape, rows: RowBatch): { groups: Group[]; broken: RowBatch } {
  const intentPlaces = new Int32Array(shape.intent.length * 2);
  const outcomePlaces = new Int32Array(shape.outcome.length * 2);
  const column = (name: string): number => shape.intent.findIndex((one: Column) => one.name === name) * 2;
  const [organizationAt, startedAt, traceAt, spanAt] = [column('org_id'), column('started_at'), column('trace_id'), column('span_id')];
  const broken: RowBatch = new RowBatch(64);
  const groups = new Map<string, Group>();
  let last: { readonly group: Group; readonly organization: Buffer; readonly day: number } | null = null;
  for (let row = 0; row < rows.count; row++) {
    const { bytes, start, middle, end } = rows.place(row);
    if (!locate(shape.intent, bytes, start, middle, intentPlaces) || !locate(shape.outcome, bytes, middle, end, outcomePlaces)) {
      broken.add(bytes, start, middle, bytes, middle, end);
      continue;
    }
    const organization = bytes.subarray(intentPlaces[organizationAt], intentPlaces[organizationAt + 1]);
    const timeAt = intentPlaces[startedAt] ?? 0;
    const day = Math.floor((bytes.readUInt32LE(timeAt + 4) * 0x100000000 + bytes.readUInt32LE(timeAt)) / dayUs);
    // Most rows are of the organization and the day of the one before.
    if (last === null || last.day !== day || !last.organization.equals(organization)) {
      const name: string = organization.toString('utf8');
      const key = `${day} ${name}`;
      const group: Group = groups.get(key) ?? {
        organizationId: name,
        day: new Date((day * dayUs) / 1000).toISOString().slice(0, 10),
        rows: [],
        place: {
          organizationId: name,
          traceHex: bytes.toString('latin1', intentPlaces[traceAt], intentPlaces[traceAt + 1]),
          spanHex: bytes.toString('latin1', intentPlaces[spanAt], intentPlaces[spanAt + 1]),
          startedAtUs: bytes.readBigInt64LE(timeAt),
        },
      };
      groups.set(key, group);
      last = { group, organization, day };
    }
    last.group.rows.push(row);
  }
  return { groups: [...groups.values()], broken };
}

function writeRows(writer: ByteWriter, rows: RowBatch, numbers: readonly number[], chain: string, firstSequence: number): void {
  let sequence = firstSequence;
  for (const number of numbers) {
    const { bytes, start, end } = rows.place(number);
    writer.reserve(end - start);
    writer.length += bytes.copy(writer.bytes, writer.length, start, end);
    writer.text(chain);
    writer.u64(sequence++);
  }
}

function readState(path: string, log: Log): State | null {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  try {
    return stateSchema.parse(JSON.parse(content));
  } catch (error) {
    // Another chain begins; the checkpoints of this one still say how far it went.
    log.error('chain.state_lost', { path, error });
    return null;
  }
}
