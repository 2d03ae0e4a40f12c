/**
 * `npm run bench -- rules [-o json]`: calls to a server that 1,000 rules without conditions are about beside calls to one that none of them is about, both behind the same worker and in
 * short turns, so that what else the machine does, and what the worker does beside, hurts both alike.
 */
import { writePolicy } from '../../packages/gateway/src/kernel/policy.ts';
import { membersRule } from '../support/members-rule.ts';
import { rulesOf } from './bench-snapshot.ts';
import { startGenerator, type Load, type Measurement } from './measure.ts';
import { startGatewayOnce, startUpstream, type Target } from './targets.ts';

export interface RulesBench {
  readonly rules: number;
  readonly without: RulesFigures;
  readonly with: RulesFigures;
  /** Requests a second with rules by those without: the median of the pairs. */
  readonly ratio: number;
}

interface RulesFigures {
  readonly perSecond: number;
  /** Of the worker, a call. */
  readonly cpuMicroseconds: number;
}

const rules = 1_000;
const pairs = 30;
const times = { warmupMs: 50, measureMs: 400 };
const load: Load = { connections: 50, perSecond: null };
const warmupCalls = 20_000;

export async function runRulesBench(): Promise<RulesBench> {
  const ends: (() => Promise<unknown> | void)[] = [];
  try {
    const upstream = await startUpstream();
    ends.push(() => upstream.stop());
    const url = `http://127.0.0.1:${upstream.port}/mcp`;
    // Each of the others is about the one server and about tools of it: what is called there is decided, not waved through.
    const policies = [...rulesOf(rules, ['ruled']), membersRule].map(writePolicy);
    const servers = ['plain', 'ruled'].map((name) => ({ name, url }));
    const gateway = await startGatewayOnce('gateway', upstream, { policies, servers });
    ends.push(() => gateway.stop());
    const targets = servers.map(({ name }): Target => ({ ...gateway, name, path: `/mcp/${name}` }));
    const generator = startGenerator();
    ends.push(() => generator.stop());
    for (const target of targets)
      for (let calls = 0; calls < warmupCalls;) calls += (await generator.measure(target, load, { warmupMs: 0, measureMs: 1_000 })).replies;
    const measured = targets.map((): Measurement[] => []);
    for (let pair = 0; pair < pairs; pair++) {
      // Who goes first goes second in the next pair.
      for (const index of pair % 2 === 0 ? [0, 1] : [1, 0]) {
        const target = targets[index];
        if (target === undefined) continue;
        const one = await generator.measure(target, load, times);
        if (one.failures > 0) throw new Error(`${target.name}: ${one.firstFailure}`);
        measured[index]?.push(one);
      }
    }
    const [without = [], withRules = []] = measured;
    const ratios = without.map((one, pair) => (withRules[pair]?.perSecond ?? 0) / one.perSecond);
    return { rules, without: figuresOf(without), with: figuresOf(withRules), ratio: median(ratios) };
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

function figuresOf(list: readonly Measurement[]): RulesFigures {
  const sum = (of: (one: Measurement) => number): number => list.reduce((total, one) => total + of(one), 0);
  return {
    perSecond: median(list.map(({ perSecond }) => perSecond)),
    // It is counted in steps of 10 ms: of all turns together.
    cpuMicroseconds: sum(({ cpuMicroseconds, replies }) => cpuMicroseconds * replies) / sum(({ replies }) => replies),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

export function renderRulesBench({ rules: count, without, with: withRules, ratio }: RulesBench): string {
  const of = ({ perSecond, cpuMicroseconds }: RulesFigures): string =>
    `${Math.round(perSecond)} requests/s, ${cpuMicroseconds.toFixed(0)} µs of the worker's processor a call`;
  return `Without rules: ${of(without)}. With ${count} rules: ${of(withRules)}. That is ${ratio.toFixed(2)} of it.`;
}
