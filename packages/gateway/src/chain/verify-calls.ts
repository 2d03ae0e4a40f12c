import { chainStart } from './audit-record.ts';
import { hashEntry, type ChainedEntry } from './call-entry.ts';
import type { CheckpointBody } from './checkpoint.ts';
import type { ErasedEntries } from './erased-entries.ts';
import type { Findings } from './findings.ts';
import type { LeftOut } from './verify-events.ts';

/** The chains of calls of one organization, as a check looks at them. */
export interface CallProof {
  /** In pages, by chain and place. */
  entries(): AsyncIterable<readonly ChainedEntry[]>;
  /** What is there of the rows of entries, one by one in their order; null where rows are not to be looked at. */
  readonly rows: ((entries: readonly ChainedEntry[]) => AsyncIterable<EntryRows>) | null;
  /** Rows that no entry speaks of; empty where the source cannot have any. */
  strays(chains: ReadonlyMap<string, SeenChain>, since: string | null): Promise<readonly Stray[]>;
}

/** The rows of an entry as they are found. */
export interface EntryRows {
  readonly count: number;
  /** SHA-256 over their bytes in the order of their places. */
  readonly hash: string;
  /** Places without a row, the first ranges of them. */
  readonly missing: readonly { readonly from: number; readonly to: number }[];
  /** Places with more than one. */
  readonly doubled: readonly number[];
  /** The rows themselves, where they are wanted. */
  readonly bytes?: readonly Buffer[];
}

export interface SeenChain {
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Rows found behind its entries; null where they were not looked at. */
  readonly rows: number | null;
}

export interface Stray {
  readonly chain: string;
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

export interface CallReport {
  readonly chains: number;
  readonly entries: number;
  /** Rows that were read again and are as they were written; null where they were not looked at. */
  readonly rows: number | null;
  /** Rows of entries from which a person was erased, as a signed event says. */
  readonly erased: number;
  /** Rows whose retention was over. */
  readonly expired: number;
  /** Rows that a restore left out. */
  readonly leftOut: number;
  /** Up to when checkpoints speak for the chains. */
  readonly signedAt: string | null;
}

interface Chain {
  readonly name: string;
  last: ChainedEntry | null;
  firstSequence: number;
  rows: number;
  /** Of the checkpoints that speak of it, by entry. */
  readonly signed: readonly { readonly entry: number; readonly sequence: number; readonly hash: string; readonly at: string }[];
  checked: number;
  /** The last place that a checkpoint agreed with. */
  trustedTo: number;
}

/** Entries whose rows are read at once, at most. */
const groupRowsMax = 50_000;

/** Checks chains of calls: each entry, its link, the checkpoints, and the rows behind it. */
export async function verifyCalls(
  proof: CallProof,
  {
    checkpoints,
    leftOut,
    erasedEntries,
  }: { readonly checkpoints: readonly CheckpointBody[]; readonly leftOut: readonly LeftOut[]; readonly erasedEntries: ErasedEntries },
  findings: Findings,
): Promise<CallReport> {
  const expiredBefore = checkpoints.reduce((latest, { at, calls_days: days }) => (days === undefined ? latest : later(latest, dayBefore(at, days))), '');
  const chains = new Map<string, Chain>();
  let count = 0;
  let rows = 0;
  let erased = 0;
  let expired = 0;
  let left = 0;
  let signedAt: string | null = null;
  let group: ChainedEntry[] = [];

  function chainOf(name: string): Chain {
    const known = chains.get(name);
    if (known !== undefined) return known;
    const signed = checkpoints
      .flatMap(({ at, calls }) => calls.filter((head) => head.chain === name).map((head) => ({ ...head, at })))
      .sort((a, b) => a.entry - b.entry);
    const chain: Chain = { name, last: null, firstSequence: 1, rows: 0, signed, checked: 0, trustedTo: 0 };
    chains.set(name, chain);
    return chain;
  }

  /** Whether entries that are gone can be gone because their time was over: the first checkpoint that spoke of them says when they were. */
  function mayBeGone(chain: Chain, lastGone: number): boolean {
    if (leftOut.some(({ chain: name, entry, days }) => name === chain.name && days === null && entry >= lastGone)) return true;
    const witness = chain.signed.find(({ entry }) => entry >= lastGone);
    return witness !== undefined && witness.at.slice(0, 10) < expiredBefore;
  }

  function check(entry: ChainedEntry): void {
    const chain = chainOf(entry.chain);
    const { last } = chain;
    const to = entry.firstSequence + entry.rows - 1;
    // What was sent twice because nobody knew whether it had come.
    if (last !== null && last.entry === entry.entry && last.hash === entry.hash && hashEntry(entry) === entry.hash) return;
    count += 1;
    if (last !== null && entry.entry <= last.entry) {
      findings.add('inserted', chain.name, entry.firstSequence, to, 'a second entry stands at this place of the chain');
      return;
    }
    const expected = (last?.entry ?? 0) + 1;
    if (entry.entry > expected) {
      if (last !== null || !mayBeGone(chain, entry.entry - 1))
        findings.add(
          'removed',
          chain.name,
          (last?.firstSequence ?? 1) + (last?.rows ?? 0),
          entry.firstSequence - 1,
          `the entries ${expected} to ${entry.entry - 1} are missing`,
        );
      if (last === null) chain.firstSequence = entry.firstSequence;
    }
    if (hashEntry(entry) !== entry.hash) findings.add('edited', chain.name, entry.firstSequence, to, 'the entry is not as it was written');
    else if (entry.entry === expected && entry.previousHash !== (last?.hash ?? chainStart))
      findings.add('edited', chain.name, last?.firstSequence ?? 1, to, 'an entry does not follow the one before: one of them was written anew');
    else group.push(entry);
    chain.last = entry;
    compareCheckpoints(chain, entry);
  }

  function compareCheckpoints(chain: Chain, entry: ChainedEntry): void {
    for (; chain.checked < chain.signed.length; chain.checked += 1) {
      const head = chain.signed[chain.checked];
      if (head === undefined || head.entry > entry.entry) return;
      if (head.entry < entry.entry) continue;
      if (head.hash === entry.hash) {
        signedAt = later(signedAt ?? '', head.at);
        chain.trustedTo = head.sequence;
      } else
        findings.add(
          'rewritten',
          chain.name,
          chain.trustedTo + 1,
          head.sequence,
          `the entry ${head.entry} is not the one that the checkpoint of ${head.at} was signed for`,
        );
    }
  }

  async function checkRows(): Promise<void> {
    const entries = group;
    group = [];
    if (proof.rows === null || entries.length === 0) return;
    let index = 0;
    for await (const found of proof.rows(entries)) {
      const entry = entries[index++];
      if (entry === undefined) break;
      const chain = chainOf(entry.chain);
      chain.rows += found.count;
      const to = entry.firstSequence + entry.rows - 1;
      if (found.count === 0 && entry.day < expiredBefore) expired += entry.rows;
      else if (found.count === 0 && leftOut.some((one) => isLeftOut(one, entry))) left += entry.rows;
      else if (found.hash === entry.rowsHash && found.missing.length === 0) rows += entry.rows;
      else if (found.missing.length === 0 && found.doubled.length === 0 && erasedEntries.allows(entry, found.hash)) erased += entry.rows;
      else if (found.missing.length > 0)
        for (const range of found.missing) findings.add('removed', chain.name, range.from, range.to, `calls of ${entry.day} are missing`);
      else if (found.doubled.length > 0)
        for (const place of found.doubled) findings.add('inserted', chain.name, place, place, `there is more than one call of ${entry.day} at this place`);
      else findings.add('edited', chain.name, entry.firstSequence, to, `a call of ${entry.day} in this range is not as it was written`);
    }
  }

  for await (const page of proof.entries())
    for (const entry of page) {
      const [first] = group;
      const waiting = group.reduce((sum, one) => sum + one.rows, 0);
      if (
        first !== undefined &&
        (first.chain !== entry.chain || first.day !== entry.day || first.columns !== entry.columns || waiting + entry.rows > groupRowsMax)
      )
        await checkRows();
      check(entry);
    }
  await checkRows();
  // Of chains that are gone with their entries the record of the restore says how many calls they had.
  for (const { chain, sequence, days } of leftOut) if (days === null && (chains.get(chain)?.last ?? null) === null) left += sequence;
  for (const name of new Set(checkpoints.flatMap(({ calls }) => calls.map((head) => head.chain)))) checkEnd(chainOf(name));
  const began = checkpoints.find(({ calls }) => calls.length > 0)?.at ?? null;
  const seen = new Map(
    [...chains.values()].map((chain) => [
      chain.name,
      {
        firstSequence: chain.firstSequence,
        lastSequence: chain.last === null ? 0 : chain.last.firstSequence + chain.last.rows - 1,
        rows: proof.rows === null ? null : chain.rows,
      },
    ]),
  );
  for (const { chain, from, to, text } of await proof.strays(seen, began)) findings.add('inserted', chain, from, to, text);
  return { chains: chains.size, entries: count, rows: proof.rows === null ? null : rows, erased, expired, leftOut: left, signedAt };

  function checkEnd(chain: Chain): void {
    const head = chain.signed.at(-1);
    if (head === undefined || head.entry <= (chain.last?.entry ?? 0) || mayBeGone(chain, head.entry)) return;
    const from = chain.last === null ? 1 : chain.last.firstSequence + chain.last.rows;
    findings.add('removed', chain.name, from, head.sequence, `entries are missing at the end: the checkpoint of ${head.at} was signed for more`);
  }
}

function isLeftOut({ chain, entry: through, days }: LeftOut, { chain: name, entry, day }: ChainedEntry): boolean {
  return chain === name && entry <= through && days !== null && ((days.from !== null && day < days.from) || (days.to !== null && day > days.to));
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}

function dayBefore(at: string, days: number): string {
  return new Date(Date.parse(at) - days * 86_400_000).toISOString().slice(0, 10);
}
