/**
 * `npm run bench -- rules [-o json]`: calls through a gateway with 1,000 rules without conditions beside one with none but its own, both at the same time and measured in
 * turn, so that what else the machine does hurts both alike.
 */
import { writePolicy } from '../../packages/gateway/src/kernel/policy.ts';
import { membersRule } from '../support/members-rule.ts';
import { rulesOf } from './bench-snapshot.ts';
import { startGenerator, untilQuiet, type Load, type Measurement } from './measure.ts';
import { type GatewayTarget, startGatewayOnce, startUpstream } from './targets.ts';

export interface RulesBench {
  readonly rules: number;
  readonly without: RulesFigures;
  readonly with: RulesFigures;
  /** Requests a second with rules by those without: the median of the rounds. */
  readonly ratio: number;
}

interface RulesFigures {
  readonly perSecond: number;
  /** Of the worker, a call. */
  readonly cpuMicroseconds: number;
}

const rules = 1_000;
const rounds = 7;
const times = { warmupMs: 200, measureMs: 1_200 };
const load: Load = { connections: 50, perSecond: null };
const warmupCalls = 25_000;
const quietMsMax = 2_000;

export async function runRulesBench(): Promise<RulesBench> {
  const ends: (() => Promise<unknown> | void)[] = [];
  try {
    const upstream = await startUpstream();
    ends.push(() => upstream.stop());
    // Each is about the server that is called and about tools of it: what is called is decided, not waved through.
    const policies = [...rulesOf(rules - 1, ['bench']), membersRule].map(writePolicy);
    const targets: GatewayTarget[] = [];
    for (const [name, more] of [
      ['none', {}],
      ['rules', { policies }],
    ] as const) {
      const target = await startGatewayOnce(name, upstream, more);
      ends.push(() => target.stop());
      targets.push(target);
    }
    const generator = startGenerator();
    ends.push(() => generator.stop());
    for (const target of targets)
      for (let calls = 0; calls < warmupCalls;) calls += (await generator.measure(target, load, { warmupMs: 0, measureMs: 1_000 })).replies;
    const measured = targets.map((): Measurement[] => []);
    for (let round = 0; round < rounds; round++) {
      // Who goes first goes second in the next round.
      for (const index of round % 2 === 0 ? [0, 1] : [1, 0]) {
        const target = targets[index];
        if (target === undefined) continue;
        const one = await generator.measure(target, load, times);
        if (one.failures > 0) throw new Error(`${target.name}: ${one.firstFailure}`);
        measured[index]?.push(one);
        // It goes on writing its records when the load is over.
        await untilQuiet(target.pids(), quietMsMax);
      }
    }
    const [without = [], withRules = []] = measured;
    const ratios = without.map((one, round) => (withRules[round]?.perSecond ?? 0) / one.perSecond);
    return { rules, without: figuresOf(without), with: figuresOf(withRules), ratio: median(ratios) };
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

function figuresOf(list: readonly Measurement[]): RulesFigures {
  return { perSecond: median(list.map(({ perSecond }) => perSecond)), cpuMicroseconds: median(list.map(({ cpuMicroseconds }) => cpuMicroseconds)) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

export function renderRulesBench({ rules: count, without, with: withRules, ratio }: RulesBench): string {
  const of = ({ perSecond, cpuMicroseconds }: RulesFigures): string =>
    `${Math.round(perSecond)} requests/s, ${cpuMicroseconds.toFixed(0)} µs of the worker's processor a call`;
  return `Without rules: ${of(without)}. With ${count} rules: ${of(withRules)}. That is ${ratio.toFixed(2)} of it.`;
}
