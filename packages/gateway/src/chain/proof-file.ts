/**
 * A proof as a file of JSON lines: `header`, then every `key`, `removal`, `checkpoint`, `event` and `entry` of calls (with its rows,
 * where they are wanted), in this order, and `end` with their number, by which a file that was cut is known.
 */
import { hash } from 'node:crypto';
import { z } from 'zod';
import type { ChainedEntry } from './call-entry.ts';
import type { CallProof, EntryRows } from './verify-calls.ts';
import { recordBody, recordOfBody } from './record-body.ts';
import type { PublicKeyRecord } from './checkpoint.ts';
import type { StoredRecord } from './verify-events.ts';
import type { ProofRemoval, ProofSource, StoredCheckpoint } from './verify-proof.ts';

export interface ProofHeader {
  readonly organizationId: string;
  readonly node: string;
  readonly atMs: number;
}

/** The lines of a proof, one JSON text each, without line ends. */
export async function* proofLines(source: ProofSource, { organizationId, node, atMs }: ProofHeader): AsyncGenerator<string> {
  let lines = 0;
  const line = (type: string, value: object): string => {
    lines += 1;
    return JSON.stringify({ type, ...value });
  };
  const { calls } = source;
  const kept = calls === null ? 'none' : calls.rows === null ? 'entries' : 'rows';
  yield line('header', { format: 1, organization_id: organizationId, node, at: new Date(atMs).toISOString(), calls: kept });
  for (const { createdAtMs, ...key } of await source.keys()) yield line('key', { ...key, created_at: new Date(createdAtMs).toISOString() });
  const removal = await source.removal();
  if (removal !== null) yield line('removal', { through: removal.throughSequence, hash: removal.throughHash, checkpoint: removal.checkpointId });
  for await (const page of source.checkpoints()) for (const { id, body, signature } of page) yield line('checkpoint', { id, body, signature });
  for await (const page of source.records(removal?.throughSequence ?? 0)) for (const record of page) yield line('event', { event: recordBody(record) });
  if (calls !== null)
    for await (const page of calls.entries())
      for (const entry of page) {
        const found = calls.rows === null ? null : await first(calls.rows([entry]));
        yield line('entry', { entry, ...(found === null || found.count === 0 ? {} : { rows: Buffer.concat(found.bytes ?? []).toString('base64') }) });
      }
  yield JSON.stringify({ type: 'end', lines });
}

async function first(rows: AsyncIterable<EntryRows>): Promise<EntryRows | null> {
  for await (const found of rows) return found;
  return null;
}

const headerLine = z.object({
  type: z.literal('header'),
  format: z.literal(1),
  organization_id: z.string(),
  at: z.iso.datetime(),
  calls: z.enum(['none', 'entries', 'rows']),
});
const keyLine = z.object({
  type: z.literal('key'),
  id: z.string(),
  node: z.string(),
  publicKey: z.string(),
  created_at: z.iso.datetime(),
  previousKeyId: z.string().nullable(),
  signature: z.string(),
});
const removalLine = z.object({ type: z.literal('removal'), through: z.int(), hash: z.string(), checkpoint: z.string() });
const checkpointLine = z.object({ type: z.literal('checkpoint'), id: z.string(), body: z.string(), signature: z.string() });
const eventLine = z.object({ type: z.literal('event'), event: z.unknown() });
const entryLine = z.object({
  type: z.literal('entry'),
  entry: z.object({
    organizationId: z.string(),
    chain: z.string(),
    entry: z.int(),
    day: z.iso.date(),
    firstSequence: z.int(),
    rows: z.int(),
    rowsHash: z.string(),
    columns: z.string(),
    previousHash: z.string(),
    hash: z.string(),
  }),
  rows: z.base64().optional(),
});
const endLine = z.object({ type: z.literal('end'), lines: z.int() });

export interface ProofFile extends ProofSource {
  readonly atMs: number;
}

/** A file that does not have this form, at a line of it. */
export class ProofFileError extends Error {
  override readonly name = 'ProofFileError';
}

const pageRecords = 1000;

/** Reads a proof once, in the order in which a check asks. Rejects, then and later, with `ProofFileError`. */
export async function openProofFile(input: AsyncIterable<string>, trusted: readonly string[]): Promise<ProofFile> {
  const iterator = input[Symbol.asyncIterator]();
  let number = 0;
  let next: Record<string, unknown> | null = await read();

  async function read(): Promise<Record<string, unknown> | null> {
    const { value, done } = await iterator.next();
    if (done === true) return null;
    number += 1;
    try {
      const parsed: unknown = JSON.parse(value);
      if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
    } catch {
      // Said below, with the place.
    }
    throw new ProofFileError(`line ${number} is not a JSON object`);
  }

  /** All lines of a type that come now. */
  async function* linesOf<Line>(type: string, schema: z.ZodType<Line>): AsyncGenerator<Line> {
    while (next !== null && next['type'] === type) {
      const parsed = schema.safeParse(next);
      if (!parsed.success) throw new ProofFileError(`line ${number} is no ${type} that a gateway writes`);
      yield parsed.data;
      next = await read();
    }
  }

  async function all<Line>(type: string, schema: z.ZodType<Line>): Promise<Line[]> {
    const found: Line[] = [];
    for await (const line of linesOf(type, schema)) found.push(line);
    return found;
  }

  const [header] = await all('header', headerLine);
  if (header === undefined) throw new ProofFileError('it does not begin with a header: it is no proof that `gateway audit export --format proof` wrote');
  const keys: PublicKeyRecord[] = (await all('key', keyLine)).map(({ type: _, created_at: createdAt, ...key }) => ({
    ...key,
    createdAtMs: Date.parse(createdAt),
  }));
  const [removal] = await all('removal', removalLine);

  return {
    trusted,
    atMs: Date.parse(header.at),
    keys: async () => keys,
    removal: async (): Promise<ProofRemoval | null> =>
      removal === undefined ? null : { throughSequence: removal.through, throughHash: removal.hash, checkpointId: removal.checkpoint },
    async *checkpoints() {
      let page: StoredCheckpoint[] = [];
      for await (const line of linesOf('checkpoint', checkpointLine)) {
        page.push(line);
        if (page.length < pageRecords) continue;
        yield page;
        page = [];
      }
      yield page;
    },
    async *records() {
      let page: StoredRecord[] = [];
      for await (const { event } of linesOf('event', eventLine)) {
        const record = recordOfBody(event, header.organization_id);
        if (record === null) throw new ProofFileError(`line ${number} is no event that a gateway writes`);
        page.push(record);
        if (page.length < pageRecords) continue;
        yield page;
        page = [];
      }
      yield page;
    },
    async finish() {
      const end = endLine.safeParse(next);
      if (!end.success) throw new ProofFileError(next === null ? 'it was cut: its end is missing' : `line ${number} is out of place`);
      if (end.data.lines !== number - 1)
        throw new ProofFileError(`it was changed: it says that it has ${end.data.lines} lines before its end, and has ${number - 1}`);
    },
    calls: header.calls === 'none' ? null : callsOf(linesOf('entry', entryLine), header.calls === 'rows'),
    anchor: () => null,
  };
}

/** Rows come with their entry: what they hash to is kept until it is asked for. */
function callsOf(lines: AsyncIterable<z.infer<typeof entryLine>>, withRows: boolean): CallProof {
  const rows = new Map<ChainedEntry, EntryRows>();
  return {
    async *entries() {
      for await (const { entry, rows: text } of lines) {
        if (withRows)
          rows.set(entry, {
            count: text === undefined ? 0 : entry.rows,
            hash: hash('sha256', Buffer.from(text ?? '', 'base64'), 'hex'),
            missing: [],
            doubled: [],
          });
        yield [entry];
      }
    },
    rows: withRows
      ? async function* (entries) {
          for (const entry of entries) {
            const found = rows.get(entry);
            rows.delete(entry);
            if (found !== undefined) yield found;
          }
        }
      : null,
    strays: async () => [],
  };
}
