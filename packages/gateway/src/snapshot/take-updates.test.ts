import fc from 'fast-check';
import { expect, test } from 'vitest';
import { membersRule } from '../../../../test/support/members-rule.ts';
import { plainEndpointData, plainServerData } from '../../../../test/support/server-data.ts';
import { testPrincipal } from '../../../../test/support/test-principal.ts';
import { noConsultant } from '../../../../test/support/no-consultant.ts';
import { organizationSteps } from '../authorise/organizations.ts';
import { compileRisks } from '../authorise/tool-risk.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { createSnapshotFeed } from '../node/snapshot-feed.ts';
import { compileSnapshot, type Snapshot, type SnapshotCompilers } from './compile-snapshot.ts';
import type { SnapshotData, SnapshotUpdate } from './snapshot.ts';
import { createSnapshotUpdates, type SnapshotUpdates } from './take-updates.ts';

const compilers: SnapshotCompilers = {
  encodeServer: (...columns) => Buffer.from(columns.join('|')),
  compileAccess: (organizations, before) => organizationSteps(organizations, systemClock, before),
  compileRisks,
  openConsultant: noConsultant,
};
const empty: SnapshotData = {
  version: 1,
  organizationId: 'org_default',
  node: 'node_1',
  hosts: null,
  origins: [],
  policies: [],
  bodyBytesMax: 1_000,
  currency: 'USD',
  servers: [],
};

function worker(start: SnapshotData): SnapshotUpdates & { readonly snapshot: () => Snapshot; readonly swaps: () => number } {
  let snapshot = compileSnapshot(start, compilers);
  let swaps = 0;
  const swap = (next: Snapshot): void => {
    snapshot = next;
    swaps++;
  };
  return {
    ...createSnapshotUpdates({ current: () => snapshot, compilers, swap, collectYoung: () => false, log: silentLog }),
    snapshot: () => snapshot,
    swaps: () => swaps,
  };
}

const names = fc.constantFrom('a', 'b', 'c', 'd');
const someServers = fc.uniqueArray(fc.record({ name: names, timeoutMs: fc.integer({ min: 1, max: 2 }) }), { selector: ({ name }) => name });
const somePolicies = fc.uniqueArray(
  fc.record({
    name: names,
    effect: fc.constantFrom('allow' as const, 'deny' as const, 'hold' as const),
    servers: fc.subarray(['a', 'b', '*']),
    tools: fc.option(fc.subarray(['x', 'y*'])),
  }),
  { selector: ({ name }) => name },
);
const someData = fc.record({ servers: someServers, policies: somePolicies, currency: fc.constantFrom('USD', 'EUR') });

/** All that calls see of it. */
function seen({ data: { version: _version, ...data }, byName, byPath, endpointsByPath, access, nowhere }: Snapshot): unknown {
  const principal = testPrincipal();
  const view = access.viewOf(principal);
  const operations = ['a', 'b', 'c'].flatMap((server) => ['x', 'y', 'yes'].map((name) => ({ server, action: 'tools.call', kind: 'tool' as const, name })));
  return {
    data,
    servers: [...byName.values()].map(({ block, data: own }) => [own, Buffer.from(block).toString()]),
    paths: [...byPath.keys()],
    endpoints: [...endpointsByPath].map(([path, { data: own, block }]) => [path, own, Buffer.from(block).toString()]),
    nowhere: Buffer.from(nowhere).toString(),
    decisions: operations.map((operation) => view.decide(principal, operation, { argumentsText: () => null, ip: '', tool: () => null })),
  };
}

test('whatever sequence of changes comes, and whichever of them are lost, late or doubled, what stands at the end is what a whole snapshot would be', async () => {
  const fate = fc.constantFrom('told', 'told', 'told', 'lost', 'doubled', 'late');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(someData, fate), { minLength: 1, maxLength: 8 }), async (changes) => {
      const feed = createSnapshotFeed();
      feed.offer(empty);
      const one = worker(empty);
      let told: SnapshotData | null = feed.current;
      const late: SnapshotUpdate[] = [];
      for (const [index, [{ servers, policies, currency }, how]] of changes.entries()) {
        const list = servers.map(({ name, timeoutMs }) => plainServerData({ name, path: `/mcp/${name}`, timeoutMs }));
        feed.offer({
          ...empty,
          version: index + 2,
          currency,
          servers: list,
          endpoints: [plainEndpointData(list.map(({ name }) => name))],
          policies: policies.map((policy) => ({ ...membersRule, ...policy })),
        });
        const update = feed.updateFrom(told);
        told = feed.current;
        if (how === 'late') late.push(update);
        if (how === 'lost' || how === 'late') continue;
        const before = one.snapshot();
        const taken = await one.take(update);
        // What it was not made for changes nothing.
        if (!taken) expect(one.snapshot()).toBe(before);
        if (!taken) expect(await one.take(feed.updateFrom(null))).toBe(true);
        if (how === 'doubled') expect(await one.take(update)).toBe(true);
      }
      for (const update of late) await one.take(update);
      if (feed.current === null) throw new Error('nothing was offered');
      if (!(await one.take({ ...feed.updateFrom(told), version: feed.current.version }))) expect(await one.take(feed.updateFrom(null))).toBe(true);
      expect(seen(one.snapshot())).toEqual(seen(compileSnapshot(feed.current, compilers)));
    }),
    { numRuns: 200 },
  );
});

test('what has not changed is the same object, and a call sees the old or the new', async () => {
  const servers = Array.from({ length: 50 }, (_, index) => plainServerData({ name: `s${index}`, path: `/mcp/s${index}` }));
  const policies = Array.from({ length: 2_000 }, (_, index) => ({ ...membersRule, name: `rule-${index}`, tools: [`tool-${index}`] }));
  const feed = createSnapshotFeed();
  feed.offer({ ...empty, servers, policies });
  const one = worker(feed.current ?? empty);
  const before = one.snapshot();
  const from = feed.current;
  // Read anew from where it is kept, and one of each is another.
  const [firstServer, ...otherServers] = structuredClone(servers);
  feed.offer({
    ...empty,
    version: 2,
    servers: [...otherServers, { ...(firstServer ?? plainServerData({})), timeoutMs: 7 }],
    policies: [{ ...membersRule, name: 'first', effect: 'deny', tools: ['tool-7'] }, ...structuredClone(policies)],
  });
  const update = feed.updateFrom(from);
  expect(update.pieces.join('').length).toBeLessThan(2_000);
  const taking = one.take(update);
  expect(one.snapshot()).toBe(before);
  await taking;
  const after = one.snapshot();
  expect(one.swaps()).toBe(1);
  expect(after.byName.get('s7')).toBe(before.byName.get('s7'));
  expect(after.byName.get('s0')).not.toBe(before.byName.get('s0'));
  const principal = testPrincipal();
  const decide = ({ access }: Snapshot): string =>
    access
      .viewOf(principal)
      .decide(principal, { server: 's1', action: 'tools.call', kind: 'tool', name: 'tool-7' }, { argumentsText: () => null, ip: '', tool: () => null })
      .decision;
  expect([decide(before), decide(after)]).toEqual(['allow', 'deny']);
});

test('a change of the rules for others leaves a caller what was found out for it', async () => {
  const rule = { ...membersRule, subjects: [{ kind: 'team' as const, id: 'search' }] };
  const feed = createSnapshotFeed();
  feed.offer({ ...empty, policies: [membersRule, { ...rule, name: 'other' }] });
  const one = worker(feed.current ?? empty);
  const [own, other] = [testPrincipal(), testPrincipal({ teamId: 'search' })];
  const views = [own, other].map((principal) => one.snapshot().access.viewOf(principal));
  const from = feed.current;
  feed.offer({ ...empty, version: 2, policies: [{ ...rule, name: 'new', effect: 'deny' }, membersRule, { ...rule, name: 'other' }] });
  await one.take(feed.updateFrom(from));
  const { access } = one.snapshot();
  expect([access.viewOf(own) === views[0], access.viewOf(other) === views[1]]).toEqual([true, false]);
  // What is switched off stands before all, and is taken back without a trace.
  const offX = { ...rule, name: 'switched-off:server:x', effect: 'deny' as const, servers: ['x'], subjects: null };
  expect(access.behind([{ organizationId: 'org_b', policies: [offX] }]).viewOf(own)).toBe(views[0]);
  const off = access.behind([{ organizationId: 'org_default', policies: [offX] }]);
  expect([off.viewOf(own).reaches('x'), off.viewOf(own).reaches('y')]).toEqual([false, true]);
  expect(off.behind([]).viewOf(own).reaches('x')).toBe(true);
});
