import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../../test/support/control.ts';
import { Fault } from '../../kernel/fault.ts';
import { silentLog } from '../../kernel/log.ts';
import { createServedConfig, type PreparedConfig } from '../../node/served-config.ts';
import { clientConfig } from '../../store/registry/connections.ts';
import { reloadConfig, type AppliedChange, type Configuration } from './reload-config.ts';

let control: TestControl;
beforeAll(async () => {
  control = await startControl();
});
afterAll(() => control.end());

const change: AppliedChange = {
  servers: { added: ['new'], removed: [], changed: [{ name: 'search', settings: ['url'] }] },
  settings: ['pricing.default.per_call'],
  restart: [],
  secrets: ['search'],
};

/** A control plane whose next reload finds what `prepare` gives. */
function over(prepare: () => PreparedConfig): TestControl {
  const { config, clock } = control.dependencies;
  const configuration: Configuration = createServedConfig({ file: '/etc/gateway.yaml', load: () => config, prepare, clock, log: silentLog });
  return control.variant({ configuration });
}

async function audited(): Promise<unknown[]> {
  const client = new Client(clientConfig(control.registryAddress));
  await client.connect();
  try {
    return (await client.query("select actor_kind, object_id, detail from audit_events where action = 'config.applied' order by sequence")).rows;
  } finally {
    await client.end();
  }
}

test('an applied change is audited with the names of what changed; a look, a refusal and no change are not', async () => {
  let applied = 0;
  const { context } = over(() => ({ change, apply: async () => void applied++ }));
  expect(await reloadConfig(context(), { dryRun: true })).toMatchObject({ outcome: 'planned', state: { version: 1 } });
  expect(applied).toBe(0);
  expect(await reloadConfig(context(), { dryRun: false })).toMatchObject({ outcome: 'applied', state: { version: 2 } });
  expect(applied).toBe(1);
  const refused = over(() => {
    throw new Fault('tls_unusable', { setting: 'listen.tls.cert', reason: 'it is gone', fix: 'Bring it back.' });
  });
  expect(await reloadConfig(refused.context(), { dryRun: false })).toMatchObject({
    outcome: 'refused',
    refusal: { code: 'tls_unusable', fix: 'Bring it back.' },
  });
  expect(await reloadConfig(control.context(), { dryRun: false })).toMatchObject({ outcome: 'unchanged', state: { version: 1 } });
  const { restart: _, ...detail } = change;
  expect(await audited()).toEqual([{ actor_kind: 'operator', object_id: '/etc/gateway.yaml', detail }]);
});

test('a change that cannot be recorded is not applied', async () => {
  let applied = 0;
  const { dependencies } = over(() => ({ change, apply: async () => void applied++ }));
  const registry = { ...dependencies.registry, transaction: () => Promise.reject(new Fault('unavailable', { reason: 'the registry does not answer' })) };
  const result = await reloadConfig({ ...control.context(), ...dependencies, registry }, { dryRun: false });
  expect(result).toMatchObject({ outcome: 'refused', refusal: { code: 'unavailable' } });
  expect(applied).toBe(0);
});

test('two reloads at once are done one after the other', async () => {
  let underWay = 0;
  const { context } = over(() => ({
    change,
    apply: async () => {
      expect(++underWay).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
    },
  }));
  const results = await Promise.all([1, 2, 3].map(() => reloadConfig(context(), { dryRun: false })));
  expect(results.map(({ outcome, state }) => [outcome, state.version])).toEqual([
    ['applied', 2],
    ['applied', 3],
    ['applied', 4],
  ]);
});
