/** What is wrong with a chain, and where: `from` to `to` are places in it, both included. */
export interface Finding {
  readonly kind: FindingKind;
  /** `events`, or the name of a chain of calls; empty where it concerns a checkpoint or a key. */
  readonly chain: string;
  readonly from: number;
  readonly to: number;
  /** A sentence for people. */
  readonly text: string;
}

/**
 * `edited`: a record is not as it was written; `removed`: one is gone; `inserted`: one was never written by a gateway;
 * `reordered`: one stands in another's place; `rewritten`: the chain fits together but is not the one that was signed;
 * `forged`: a checkpoint or key that no node made; `unknown_key`: a checkpoint of a key that is not trusted; `unreadable`: it
 * cannot be checked.
 */
export type FindingKind = 'edited' | 'removed' | 'inserted' | 'reordered' | 'rewritten' | 'forged' | 'unknown_key' | 'unreadable';
export const findingKinds = [
  'edited',
  'removed',
  'inserted',
  'reordered',
  'rewritten',
  'forged',
  'unknown_key',
  'unreadable',
] as const satisfies readonly FindingKind[];

/** Collects findings up to a bound; beyond it they are counted. */
export class Findings {
  readonly list: Finding[] = [];
  /** Those that found no room in the list. */
  leftOut = 0;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(kind: FindingKind, chain: string, from: number, to: number, text: string): void {
    const last = this.list.at(-1);
    // A whole range in the same state is one finding.
    if (last !== undefined && last.kind === kind && last.chain === chain && last.text === text && last.to + 1 === from)
      this.list[this.list.length - 1] = { ...last, to };
    else if (this.list.length < this.#most) this.list.push({ kind, chain, from, to, text });
    else this.leftOut += 1;
  }
}
