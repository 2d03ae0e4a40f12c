import { bounds } from '../../kernel/bounds.ts';
import type { SignIn } from './sign-in-log.ts';

/** What becomes of a person who signs in by an identity provider; who was begun and is neither of the others went away. */
export const signInOutcomes = ['begun', 'succeeded', 'refused'] as const;
export type SignInOutcome = (typeof signInOutcomes)[number];

/** How many people and callers were let in and refused on this node since it started, for its metrics. */
export interface SignInCounts {
  /** `provider`: its name; empty where it is not known whose. */
  person(provider: string, outcome: SignInOutcome): void;
  credential(signIn: Pick<SignIn, 'kind' | 'outcome' | 'reason'>, times: number): void;
  /** By provider and outcome. */
  people(): readonly SignInCount[];
  /** By kind, outcome and reason. */
  credentials(): readonly SignInCount[];
}

export interface SignInCount {
  readonly labels: readonly string[];
  readonly value: number;
}

const codeWord = /^[a-z_]{0,32}$/;

export function createSignInCounts(): SignInCounts {
  const people = new Map<string, number>();
  const credentials = new Map<string, number>();
  return {
    person: (provider, outcome) => add(people, [provider, outcome], 1),
    // Of what an OAuth client is refused for there are sentences.
    credential: ({ kind, outcome, reason }, times) => add(credentials, [kind, outcome, codeWord.test(reason) ? reason : 'other'], times),
    people: () => countsOf(people),
    credentials: () => countsOf(credentials),
  };
}

function add(counts: Map<string, number>, labels: readonly string[], times: number): void {
  const name = labels.join('\n');
  // Providers may come and go without end.
  if (counts.has(name) || counts.size < bounds.signInCountsMax) counts.set(name, (counts.get(name) ?? 0) + times);
}

function countsOf(counts: ReadonlyMap<string, number>): readonly SignInCount[] {
  return Array.from(counts, ([name, value]) => ({ labels: name.split('\n'), value }));
}
