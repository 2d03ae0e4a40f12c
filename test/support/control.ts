/** A control plane with real stores, embedded, for the time of a test file. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKnownKeys } from '../../packages/gateway/src/assemble-known-keys.ts';
import { createApi } from '../../packages/gateway/src/api/app.ts';
import type { ApiApp, Front } from '../../packages/gateway/src/api/route.ts';
import type { Config } from '../../packages/gateway/src/config/config.ts';
import { createActor, operator } from '../../packages/gateway/src/control/actor.ts';
import type { Actor, ControlContext, ControlDependencies } from '../../packages/gateway/src/control/context.ts';
import { createSecretHasher } from '../../packages/gateway/src/control/keys/hash-secret.ts';
import { judgeSecret } from '../../packages/gateway/src/control/keys/verify-key.ts';
import { createWrongKeys } from '../../packages/gateway/src/control/keys/wrong-keys.ts';
import { runServerTest, type ServerTarget } from '../../packages/gateway/src/control/servers/run-server-test.ts';
import type { Clock } from '../../packages/gateway/src/kernel/clock.ts';
import { Fault } from '../../packages/gateway/src/kernel/fault.ts';
import { defaultOrganizationId } from '../../packages/gateway/src/kernel/id.ts';
import { neverBack, systemClock } from '../../packages/gateway/src/kernel/clock.ts';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import { Refusals } from '../../packages/gateway/src/kernel/refusals.ts';
import { createProcessReport } from '../../packages/gateway/src/node/process-report.ts';
import { openAuditKeys } from '../../packages/gateway/src/node/audit-keys.ts';
import { openStateFolder } from '../../packages/gateway/src/node/state-folder.ts';
import { startAuditDesk } from '../../packages/gateway/src/control/audit/start-audit-desk.ts';
import { createOauthDesk } from '../../packages/gateway/src/control/oauth/oauth-desk.ts';
import { createSealer } from '../../packages/gateway/src/kernel/seal.ts';
import { createExportFiles } from '../../packages/gateway/src/jobs/export-files.ts';
import { createServedPrices } from '../../packages/gateway/src/node/served-prices.ts';
import { createServedConfig } from '../../packages/gateway/src/node/served-config.ts';
import { createLiveFeed } from '../../packages/gateway/src/telemetry/live/live-feed.ts';
import { createTap } from '../../packages/gateway/src/telemetry/tap.ts';
import { createOidcClients } from '../../packages/gateway/src/identity/oidc-client.ts';
import { createSamlClients } from '../../packages/gateway/src/identity/saml/saml-clients.ts';
import { planChange } from '../../packages/gateway/src/plan/plan-change.ts';
import { assembleCertificates } from '../../packages/gateway/src/assemble-certificates.ts';
import { assembleIdentity } from '../../packages/gateway/src/assemble-identity.ts';
import { mcpActions } from '../../packages/gateway/src/protocol/methods.ts';
import { openRegistry } from '../../packages/gateway/src/store/registry/open-registry.ts';
import { startEmbeddedRegistry } from '../../packages/gateway/src/store/registry/embedded-registry.ts';
import type { RegistryAddress } from '../../packages/gateway/src/store/registry/connections.ts';
import type { RegistryStore } from '../../packages/gateway/src/store/registry/registry-store.ts';
import { openEmbeddedState } from '../../packages/gateway/src/store/state/embedded-state.ts';
import { countTokens } from '../../packages/gateway/src/tokens/count-tokens.ts';
import { tokenizerName } from '../../packages/gateway/src/tokens/tokenizer-name.ts';

export interface TestControl {
  readonly dependencies: ControlDependencies;
  readonly app: ApiApp;
  readonly registryAddress: RegistryAddress;
  /** Its time can be set forward; it begins at a whole second in 2026. */
  /** `setWall` is what an administrator, NTP or a virtual machine does: no time passes. */
  readonly clock: Clock & { advance(ms: number): void; setWall(byMs: number): void };
  /** Ids of keys that workers were told to forget. */
  readonly changedKeys: string[];
  /** As a node does that hears of keys that have changed; null: any. */
  forgetKeys(keys: readonly string[] | null): void;
  context(actor?: Actor): ControlContext;
  /** A request to the API: by the workers' socket unless `front` says otherwise. */
  request(method: string, path: string, options?: { headers?: Record<string, string>; body?: unknown; bearer?: string; front?: Front }): Promise<Response>;
  /** Another control plane on the same registry, with a clock and state of its own. */
  variant(more: ControlOverrides): TestControl;
  end(): Promise<void>;
}

export type ControlOverrides = Partial<ControlDependencies> & {
  readonly targets?: readonly ServerTarget[];
  /** A configuration that may be another one at each request. */
  readonly served?: () => Config;
};

export const controlUrl = 'http://127.0.0.1:8080';

export async function startControl(more: ControlOverrides = {}): Promise<TestControl> {
  const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
  const engine = await startEmbeddedRegistry({ folder: join(folder, 'registry'), socketPath: join(folder, '.s.PGSQL.5432'), log: silentLog });
  const state = openStateFolder(join(folder, 'state'));
  const keys = openAuditKeys(state);
  const registry = await openRegistry({ address: engine.address, connectionsMax: 1, auditKey: keys.key, log: silentLog });
  const clock = createTestClock();
  const audit = await startAuditDesk({
    registry,
    organizationId: defaultOrganizationId,
    node: state.node,
    keys,
    trusted: () => [],
    calls: { heads: () => [], allocated: () => ({ chain: '', sequence: 0 }) },
    callDays: () => 30,
    clock,
    log: silentLog,
  });
  return createControl(registry, engine.address, clock, { audit, ...more }, async () => {
    await audit.stop();
    await registry.close();
    await engine.close();
    state.release();
    rmSync(folder, { recursive: true, force: true });
  });
}

function createControl(
  registry: RegistryStore,
  registryAddress: RegistryAddress,
  clock: TestControl['clock'],
  more: ControlOverrides & Pick<ControlDependencies, 'audit'>,
  end: () => Promise<void>,
): TestControl {
  const stateFolder = mkdtempSync(join(tmpdir(), 'gwo-'));
  const opened = openEmbeddedState({ folder: stateFolder, clock, log: silentLog });
  const state: ControlDependencies['state'] = {
    get: async (key) => (await opened).get(key),
    set: async (key, value, ttlMs) => (await opened).set(key, value, ttlMs),
    replace: async (key, before, after, ttlMs) => (await opened).replace(key, before, after, ttlMs),
    take: async (key) => (await opened).take(key),
    takeTokens: async (...asked) => (await opened).takeTokens(...asked),
    touch: async (key, ttlMs) => (await opened).touch(key, ttlMs),
    delete: async (key) => (await opened).delete(key),
  };
  const changedKeys: string[] = [];
  const { targets = [], served, ...replaced } = more;
  const prices = createServedPrices({
    file: join(tmpdir(), `gwo-prices-${randomUUID()}`),
    organizationId: defaultOrganizationId,
    clock,
    log: silentLog,
    onChange: async () => undefined,
  });
  prices.follow(registry.prices, false).catch(() => undefined);
  const expiryClock = neverBack(clock);
  const knownKeys = createKnownKeys((secret) => judgeSecret(dependencies, secret), expiryClock);
  const dependencies: ControlDependencies = {
    registry,
    ledger: () => null,
    state,
    issuers: assembleIdentity([], clock, silentLog),
    certificates: assembleCertificates([], clock),
    configuration: createServedConfig({
      file: null,
      load: () => testConfig,
      prepare: (next) => ({ change: { ...planChange(testConfig, next), secrets: [] }, apply: async () => undefined }),
      clock,
      log: silentLog,
    }),
    objects: {
      fixed: () => [],
      priceLines: () => new Map(),
      policyLines: () => new Map(),
      places: () => [],
      resting: () => new Map(),
      check: () => ({ config: testConfig, faults: [] }),
      desired: () => ({ kinds: [], objects: [], policies: null, prices: null, others: [] }),
      refresh: async () => undefined,
    },
    mcpActions,
    // The lowest cost that bcrypt knows: the tests are about the rest.
    secrets: createSecretHasher(4),
    knownKeys,
    wrongKeys: createWrongKeys({ state: more.state ?? state, clock, log: silentLog }),
    answerKey: randomBytes(32),
    testServer: async (name, _target) => {
      const target = targets.find((entry) => entry.name === name);
      if (!target) throw new Fault('unknown_object', { kind: 'server', name });
      return runServerTest(target);
    },
    providers: { list: () => [], clients: async () => createOidcClients(() => clock.monotonicMs()), saml: async () => createSamlClients(clock) },
    masking: { test: async () => ({ texts: [{ notKept: 'failed' }], masked: [] }) },
    serverState: () => ({ state: 'ready', reason: null }),
    exports: createExportFiles({ folder: join(tmpdir(), `gwo-exports-${randomBytes(8).toString('hex')}`), clock, log: silentLog }),
    streams: { list: () => [] },
    oauth: createOauthDesk({ registry, sealer: createSealer(randomBytes(32)), node: 'test', clock }),
    backups: { status: () => null },
    upstreams: {
      reports: async () => ({ targets: [], lists: [] }),
      orders: () => [],
      finding: () => null,
      asked: () => null,
      routing: () => ({ active: null, canary: null }),
      refresh: async () => undefined,
    },
    backup: { version: '0.0.0', spoolFolder: tmpdir(), configuration: () => ({ file: null, text: null, references: [] }) },
    access: {
      // As on a node, where it hears of keys that have changed.
      refresh: async () => knownKeys.dropAll(),
      ageMs: () => 0,
      served: () => [],
      switches: () => [],
      explain: async () => ({ grant: { decision: 'deny', hidden: true, rule: null, reason: 'no policy allows it' }, rules: [], tool: null }),
      consult: async () => null,
      compare: async () => () => null,
    },
    prices,
    tokens: { name: tokenizerName, count: countTokens },
    probes: () => [{ name: 'registry', required: true, check: () => registry.ping().then(() => ({ state: 'ok', reason: null })) }],
    figures: quietFigures,
    live: createLiveFeed({ tap: createTap(silentLog), clock }),
    exposition: { text: async () => ({ contentType: 'text/plain', text: '' }) },
    publicUrl: () => controlUrl,
    notify: {
      keyChanged(id) {
        knownKeys.drop(id);
        changedKeys.push(id);
      },
    },
    clock,
    expiryClock,
    log: silentLog,
    ...replaced,
    get config() {
      return served?.() ?? replaced.config ?? testConfig;
    },
  };
  const app = createApi(dependencies);
  /** They hear of keys as other nodes on the registry do. */
  const variants: TestControl[] = [];
  return {
    dependencies,
    app,
    registryAddress,
    clock,
    changedKeys,
    forgetKeys(keys) {
      if (keys === null) knownKeys.dropAll();
      else for (const id of keys) knownKeys.drop(id);
      for (const one of variants) one.forgetKeys(keys);
    },
    context: (actor = operator) => ({ ...dependencies, actor, organizationId: defaultOrganizationId, requestId: 'req_test', peer: '' }),
    async request(method, path, { headers = {}, body, bearer, front = 'public' } = {}) {
      const sent = new Headers({ host: '127.0.0.1:8080', ...headers });
      if (bearer !== undefined) sent.set('authorization', `Bearer ${bearer}`);
      if (body !== undefined && !sent.has('content-type')) sent.set('content-type', 'application/json');
      const payload = body === undefined ? null : typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
      return app.fetch(new Request(`${controlUrl}${path}`, { method, headers: sent, body: payload as string | null }), { front });
    },
    variant(overrides) {
      const made = createControl(registry, registryAddress, createTestClock(), { audit: dependencies.audit, ...overrides }, async () => undefined);
      variants.push(made);
      return made;
    },
    async end() {
      prices.close();
      await end();
      await (await opened).close();
      rmSync(stateFolder, { recursive: true, force: true });
    },
  };
}

/** An actor that holds these actions. */
export function actorOf(actions: readonly string[] | null, servers: readonly string[] | null = null): Actor {
  return createActor('key', 'key_tester', { actions, servers }, defaultOrganizationId);
}

const quietFigures: ControlDependencies['figures'] = {
  workers: async () => [],
  supervisor: createProcessReport(),
  drain: () => ({ lagRows: 0, lagBytes: 0, journalBytes: 0, oldestMs: 0, dropped: 0, bytesPerSecond: null, overBound: false }),
  recordBlocked: () => false,
  bodiesGone: () => ({ dropped: 0, lost: 0 }),
  rejected: new Refusals(silentLog, systemClock),
  tapped: () => ({ failures: 0, streams: 0, dropped: 0 }),
  exported: () => null,
  configVersion: () => 1,
  spoolBytesMax: 1024 * 1024,
  workersConfigured: 0,
  version: '0.0.0',
  node: 'test',
  startedMs: 0,
};

function createTestClock(): TestControl['clock'] {
  let nowMs = Date.parse('2026-06-01T00:00:00Z');
  let wrongByMs = 0;
  return {
    nowMs: () => nowMs + wrongByMs,
    monotonicMs: () => nowMs,
    advance: (ms) => void (nowMs += ms),
    setWall: (byMs) => void (wrongByMs += byMs),
  };
}

const testConfig: Config = {
  version: 1,
  policies: null,
  access: { risks: [], opa: null },
  identity: { issuers: [], certificates: { authorities: [], proxies: [] }, providers: [], authorizationServer: null },
  file: null,
  listen: { host: '127.0.0.1', port: 8080, hosts: [], origins: [], tls: null, metrics: null, websocket: false, sse: false, publicUrl: null },
  servers: [
    { name: 'search', transport: 'http', url: 'http://user:pass@127.0.0.1:9/mcp?token=hidden', credential: null, timeoutMs: 30_000, connectionsMax: 10 },
    {
      name: 'filesystem',
      transport: 'stdio',
      command: ['mcp-files', '--token=hidden'],
      env: {},
      cwd: '/',
      processes: 'session',
      timeoutMs: 30_000,
      connectionsMax: 10,
    },
  ],
  routes: [
    { server: 'search', path: '/mcp/search', auth: { type: 'apiKey' }, timeoutMs: 20_000 },
    { server: 'filesystem', path: '/mcp/filesystem', auth: { type: 'none' }, timeoutMs: 30_000 },
  ],
  pricing: null,
  transforms: [],
  record: {
    bodies: 'masked',
    bodyBytesMax: 65_536,
    overrides: [],
    masking: { email: false, phone: false, fields: [], paths: [], patterns: [], fieldCharsMax: 262_144, overLimit: 'drop' },
  },
  cache: [],
  aggregate: {
    enabled: true,
    auth: { type: 'apiKey' },
    prefix: 'always',
    nameLimit: 64,
    clientLimits: {},
    pageSize: 1000,
    toolExposure: 'all',
    deadlineMs: 5000,
  },
  virtualServers: [],
  rateLimits: [{ scope: 'api_key', keyPrefix: null, limit: 500, windowMs: 60_000, burst: 50 }],
  limits: { bodyBytesMax: 4 * 1024 * 1024 },
  journal: { sync: false, spoolBytesMax: 1024 * 1024 },
  retention: { tracesDays: 30, metricsDays: 90 },
  telemetry: { metrics: { toolsMax: 200 }, otlp: null },
  audit: { retentionDays: 365, trustedKeys: [], streams: [] },
  backup: null,
  sessionKeys: [],
  stores: { databaseUrl: null, databaseConnectionsMax: 10, clickhouseUrl: null, clickhouseCluster: null, redisUrl: null },
  keys: { environment: 'test', bcryptCost: 4 },
  workers: 1,
  log: { level: 'info', format: 'json' },
};
