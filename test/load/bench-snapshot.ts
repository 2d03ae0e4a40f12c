/**
 * `npm run bench -- snapshot [-o json]`: what a worker stands still for, and how long it takes, when its snapshot of 1,000 servers, 10,000 tools and 5,000 rules changes:
 * by one rule, one server, one switch, by all rules at once, and whole. Decisions are made in every turn of the loop meanwhile, as calls would, and what they take counts.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { noConsultant } from '../support/no-consultant.ts';
import { organizationSteps } from '../../packages/gateway/src/authorise/organizations.ts';
import { compileRisks } from '../../packages/gateway/src/authorise/tool-risk.ts';
import { bounds } from '../../packages/gateway/src/kernel/bounds.ts';
import { systemClock } from '../../packages/gateway/src/kernel/clock.ts';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import type { PolicyData } from '../../packages/gateway/src/kernel/policy.ts';
import { policyOfSwitch } from '../../packages/gateway/src/kernel/switch.ts';
import { createSnapshotFeed } from '../../packages/gateway/src/node/snapshot-feed.ts';
import { serverBlock } from '../../packages/gateway/src/record/call-record.ts';
import { createYoungCollector } from '../../packages/gateway/src/snapshot/collect-young.ts';
import { compileSnapshot, type SnapshotCompilers } from '../../packages/gateway/src/snapshot/compile-snapshot.ts';
import type { SnapshotData, SnapshotUpdate } from '../../packages/gateway/src/snapshot/snapshot.ts';
import { createSnapshotUpdates } from '../../packages/gateway/src/snapshot/take-updates.ts';
import { membersRule } from '../support/members-rule.ts';
import { plainEndpointData, plainServerData } from '../support/server-data.ts';
import { testPrincipal } from '../support/test-principal.ts';

export interface SnapshotBench {
  readonly servers: number;
  readonly tools: number;
  readonly rules: number;
  /** Of all of it as JSON. */
  readonly chars: number;
  readonly changes: readonly ChangeFigures[];
  /** Of this process: with the snapshot, and after all changes, when what was collected is away. */
  readonly heapMiB: { readonly before: number; readonly after: number };
}

export interface ChangeFigures {
  readonly name: string;
  /** What is told. */
  readonly chars: number;
  /** What it costs the supervisor to find out what has changed. */
  readonly makeMs: number;
  /** Until new calls go by it. */
  readonly takeMs: number;
  /** The longest that the loop of the worker did not turn meanwhile: the median of the rounds, and the worst. */
  readonly pauseMs: number;
  readonly pauseMsMax: number;
}

const servers = 1_000;
const toolsOfServer = 10;
const rules = 5_000;
const rounds = 9;
/** Of callers in turn, each at another server. */
const decisionsOfTurn = 4;
const warmupTurns = 2_000;
/** What was collected is swept away meanwhile. */
const restMs = 200;

/** Of teams, users and everyone; for single tools, for patterns, for whole servers; `more` makes others of them. */
export function rulesOf(count: number, ofServers: readonly string[], more = ''): PolicyData[] {
  return Array.from({ length: count }, (_, index): PolicyData => {
    const kind = index % 4;
    return {
      ...membersRule,
      name: `rule-${index}${more}`,
      effect: kind === 3 ? 'deny' : 'allow',
      subjects: kind === 0 ? membersRule.subjects : [{ kind: kind === 1 ? 'team' : 'user', id: kind === 1 ? `team-${index % 20}` : `usr_${index % 50}` }],
      servers: [ofServers[index % ofServers.length] ?? ''],
      tools: kind === 2 ? [`tool_${index}*`] : [`tool_${index}${more}`, `tool_${index + 1}`],
    };
  });
}

/** `collect`: what is not needed any more leaves the heap. The process is to have a worker's options. */
export async function runSnapshotBench(collect: () => void): Promise<SnapshotBench> {
  const price = { perCallNano: '1000000', perTokenInputNano: '10000', perTokenOutputNano: '30000' };
  const toolPrices = Object.fromEntries(Array.from({ length: toolsOfServer }, (_, index) => [`tool_${index}`, price]));
  const list = Array.from({ length: servers }, (_, index) => plainServerData({ name: `server-${index}`, path: `/mcp/server-${index}`, toolPrices }));
  const names = list.map(({ name }) => name);
  const first: SnapshotData = {
    version: 1,
    organizationId: 'org_default',
    node: 'node_bench0000',
    hosts: null,
    origins: [],
    bodyBytesMax: 1024,
    currency: 'USD',
    policies: rulesOf(rules, names),
    servers: list,
    endpoints: [plainEndpointData(names)],
  };
  const compilers: SnapshotCompilers = {
    encodeServer: serverBlock,
    compileAccess: (organizations, before) => organizationSteps(organizations, systemClock, before),
    compileRisks,
    openConsultant: noConsultant,
  };
  const feed = createSnapshotFeed();
  feed.offer(first);
  let snapshot = compileSnapshot(first, compilers);
  const updates = createSnapshotUpdates({
    current: () => snapshot,
    compilers,
    swap: (next) => void (snapshot = next),
    collectYoung: createYoungCollector(globalThis.gc, bounds.snapshotYoungBytesMax),
    log: silentLog,
  });
  const callers = Array.from({ length: 20 }, (_, index) => testPrincipal({ teamId: `team-${index}`, userId: `usr_${index}` }));
  let turn = 0;
  const decide = (): void => {
    for (let count = 0; count < decisionsOfTurn; count++) {
      const principal = callers[turn++ % callers.length] ?? testPrincipal();
      const operation = { server: names[turn % servers] ?? '', action: 'tools.call', kind: 'tool' as const, name: `tool_${turn % (servers * toolsOfServer)}` };
      snapshot.access.viewOf(principal).decide(principal, operation, { argumentsText: () => null, ip: '', tool: () => null });
    }
  };

  /** `take` gets what came over the channel, in a turn of the loop of its own. */
  async function measure(take: () => unknown): Promise<{ takeMs: number; pauseMs: number }> {
    let pauseMs = 0;
    let isOver = false;
    let lastAt = performance.now();
    const look = (): void => {
      const now = performance.now();
      pauseMs = Math.max(pauseMs, now - lastAt);
      lastAt = now;
      if (isOver) return;
      decide();
      setImmediate(look);
    };
    setImmediate(look);
    await new Promise((resolve) => setImmediate(resolve));
    const startedAt = performance.now();
    await take();
    const takeMs = performance.now() - startedAt;
    // Who calls first after a change has its rules put together.
    for (let turns = 0; turns < callers.length; turns++) await new Promise((resolve) => setImmediate(resolve));
    isOver = true;
    await new Promise((resolve) => setImmediate(resolve));
    return { takeMs, pauseMs };
  }

  const changes: ChangeFigures[] = [];
  let version = 1;
  async function change(name: string, next: (data: SnapshotData, round: number) => SnapshotData, isWhole = false): Promise<void> {
    const figures: { chars: number; makeMs: number; takeMs: number; pauseMs: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const from = feed.current;
      // As it is read from a file or a registry: all objects are new.
      const data = next(structuredClone(from ?? first), round);
      const startedAt = performance.now();
      feed.offer({ ...data, version: ++version });
      const message = serialize(feed.updateFrom(isWhole ? null : from));
      const makeMs = performance.now() - startedAt;
      // What the supervisor leaves behind is collected in another process than the worker's.
      collect();
      await pause(restMs);
      const { takeMs, pauseMs } = await measure(() => updates.take(deserialize(message) as SnapshotUpdate));
      figures.push({ chars: message.length, makeMs, takeMs, pauseMs });
    }
    const of = (value: (one: (typeof figures)[number]) => number): number[] => figures.map(value).toSorted((a, b) => a - b);
    const median = (values: readonly number[]): number => values[values.length >> 1] ?? 0;
    changes.push({
      name,
      chars: median(of(({ chars }) => chars)),
      makeMs: median(of(({ makeMs }) => makeMs)),
      takeMs: median(of(({ takeMs }) => takeMs)),
      pauseMs: median(of(({ pauseMs }) => pauseMs)),
      pauseMsMax: of(({ pauseMs }) => pauseMs).at(-1) ?? 0,
    });
  }

  // A worker that changes has been called before.
  for (let turns = 0; turns < warmupTurns; turns++) decide();
  const heapBefore = heapMiB(collect);
  await change('one rule more', (data, round) => ({ ...data, policies: [...data.policies, { ...membersRule, name: `new-${round}` }] }));
  await change('one server changed', (data, round) => ({
    ...data,
    servers: data.servers.map((one, at) => (at === round ? { ...one, timeoutMs: 1_234 } : one)),
  }));
  await change('all rules changed', (data, round) => ({ ...data, policies: rulesOf(rules, names, `-${round}`) }));
  await change('all of it, whole', (data, round) => ({ ...data, bodyBytesMax: 2048 + round }), true);
  const off: number[] = [];
  const offPauses: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { takeMs, pauseMs } = await measure(() => {
      const rule = policyOfSwitch({ kind: 'tool', name: `server-${round}/tool_1`, reason: 'a trial', untilMs: null });
      snapshot = { ...snapshot, access: snapshot.access.behind([{ organizationId: snapshot.data.organizationId, policies: [rule] }]) };
    });
    off.push(takeMs);
    offPauses.push(pauseMs);
  }
  off.sort((a, b) => a - b);
  offPauses.sort((a, b) => a - b);
  const medianAt = rounds >> 1;
  changes.push({
    name: 'a tool switched off',
    chars: 0,
    makeMs: 0,
    takeMs: off[medianAt] ?? 0,
    pauseMs: offPauses[medianAt] ?? 0,
    pauseMsMax: offPauses.at(-1) ?? 0,
  });
  return {
    servers,
    tools: servers * toolsOfServer,
    rules,
    chars: JSON.stringify(first).length,
    changes,
    heapMiB: { before: heapBefore, after: heapMiB(collect) },
  };
}

function heapMiB(collect: () => void): number {
  collect();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

export function renderSnapshotBench({ servers: serverCount, tools, rules: ruleCount, chars, changes, heapMiB: heap }: SnapshotBench): string {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  return [
    `A snapshot of ${serverCount} servers, ${tools} tools and ${ruleCount} rules: ${Math.round(chars / 1024)} KiB; heap ${heap.before.toFixed(0)} MiB before the changes, ${heap.after.toFixed(0)} after them.`,
    ...changes.map(
      ({ name, chars: told, makeMs, takeMs, pauseMs, pauseMsMax }) =>
        `${name}: ${(told / 1024).toFixed(1)} KiB told, found out in ${ms(makeMs)}, in force after ${ms(takeMs)}; the worker stood still for ${ms(pauseMs)}, at worst ${ms(pauseMsMax)}.`,
    ),
  ].join('\n');
}
