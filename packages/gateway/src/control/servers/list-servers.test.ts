import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../../test/support/control.ts';
import type { CatalogueReport } from '../../node/worker-report.ts';
import { listServers } from './list-servers.ts';

let control: TestControl;
beforeAll(async () => {
  control = await startControl();
});
afterAll(() => control.end());

test('a server says how many tools it listed when its list was last read, whole or in part of it; null where nobody has read it', async () => {
  const { upstreams, config } = control.dependencies;
  const name = config.servers[0]?.name ?? '';
  const report = (more: Partial<CatalogueReport>): CatalogueReport => ({ server: name, list: 'tools', ageMs: 0, entries: 0, stale: false, cut: null, ...more });
  const told = async (lists: readonly CatalogueReport[]): Promise<number | null | undefined> =>
    (await listServers(control.variant({ upstreams: { ...upstreams, reports: async () => ({ targets: [], lists }) } }).context()))[0]?.toolsListed;
  expect(await told([])).toBeNull();
  expect(await told([report({ list: 'prompts', entries: 9 }), report({ server: 'another', entries: 8 }), report({ entries: 0 })])).toBeNull();
  // Callers of several kinds may be listed different ones.
  expect(await told([report({ entries: 4 }), report({ entries: 7 })])).toBe(7);
});
