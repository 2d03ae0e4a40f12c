/**
 * A data-plane worker in this process: every room of the rail as it runs in production, on a real port, with a real
 * journal in a temporary folder. Only the supervisor is played: it verifies the keys that the test names and grants
 * every lease. For tests that must see both sides of one call; what needs the whole program starts the gateway.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assembleWorker, type Door } from '../../packages/gateway/src/assemble-worker.ts';
import type { SessionRefusal } from '../../packages/gateway/src/exchange/session-refusals.ts';
import { createSnapshotFeed } from '../../packages/gateway/src/node/snapshot-feed.ts';
import { createKeptLists } from '../../packages/gateway/src/fabric/kept-lists.ts';
import type { Log } from '../../packages/gateway/src/kernel/log.ts';
import type { DoorTls } from '../../packages/gateway/src/listener/secure-server.ts';
import type { Channel } from '../../packages/gateway/src/node/channel.ts';
import type { Readiness, SupervisorHandlers, WorkerStart } from '../../packages/gateway/src/node/worker-messages.ts';
import { membersRule } from './members-rule.ts';
import type { PrincipalData, ServerData, SnapshotData } from '../../packages/gateway/src/snapshot/snapshot.ts';
import { reachOf } from '../../packages/gateway/src/upstream/reach.ts';
import { plainServerData } from './server-data.ts';

export interface TestDoor {
  readonly port: number;
  readonly url: string;
  readonly door: Door;
  /** Event name and fields of everything logged. */
  readonly logged: { event: string; fields: unknown }[];
  /** What the supervisor was told of sessions that are not the caller's. */
  readonly sessionsRefused: readonly SessionRefusal[];
  /** Revokes one of the two keys, as a registry's news of it does. */
  revoke(secret: string): void;
  /** Resolves when new calls go by them. */
  setPolicies(policies: NonNullable<SnapshotData['policies']>): Promise<void>;
  /** The policy engine that is asked from now on. */
  setOpa(opa: NonNullable<SnapshotData['opa']>): Promise<void>;
  /** The journal as it stands on disk. */
  journal(): Promise<Buffer>;
  setReadiness(change: Partial<Readiness>): void;
  stop(): Promise<void>;
}

export const testKey = 'gwo_test_0123456789abcdefghijABCDEFGHIJ01';
export const otherKey = 'gwo_test_zyxwvutsrqponmlkjihgZYXWVUTSRQ01';

export interface TestDoorOptions {
  readonly servers: readonly Partial<ServerData>[];
  /** What the two keys may do, beside everything. */
  readonly principal?: Partial<PrincipalData>;
  /** What `otherKey` is beside that. */
  readonly other?: Partial<PrincipalData>;
  /** Rules of other organizations. Default: there are none. */
  readonly others?: NonNullable<SnapshotData['others']>;
  /** Duplex transports beside streamable HTTP. Default: none. */
  readonly links?: NonNullable<SnapshotData['links']>;
  /** Addresses of many servers. Default: none. */
  readonly endpoints?: NonNullable<SnapshotData['endpoints']>;
  /** Rules of access. Default: whoever has a key may do everything. */
  readonly policies?: SnapshotData['policies'];
  /** Default: plain HTTP. */
  readonly tls?: DoorTls | null;
  /** Shared state, for several doors that stand for workers of one node. Default: its own. */
  readonly state?: Map<string, Uint8Array>;
  /** Default: the same for all doors. */
  readonly keys?: WorkerStart['keys'];
}

export async function startDoor({
  servers,
  principal = {},
  other = {},
  others = [],
  links = { websocket: false, sse: false },
  endpoints = [],
  policies = [membersRule],
  tls = null,
  state = new Map<string, Uint8Array>(),
  keys = { seal: [Buffer.alloc(32, 1)], events: [Buffer.alloc(32, 2)] },
}: TestDoorOptions): Promise<TestDoor> {
  const folder = await mkdtemp(join(tmpdir(), 'gatewayops-door-'));
  const logged: { event: string; fields: unknown }[] = [];
  const sessionsRefused: SessionRefusal[] = [];
  const write = (event: string, fields: unknown = {}): void => void logged.push({ event, fields });
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  const port = await freePort();
  const scheme = tls === null ? 'http' : 'https';
  const kept = createKeptLists();
  const revoked = new Set<string>();
  let serial = 0;
  const handlers: SupervisorHandlers = {
    begin: () => {
      throw new Error('the door is begun by the test');
    },
    listening: () => undefined,
    listenFailed: () => undefined,
    doorLetGo: () => undefined,
    journalBlocked: () => undefined,
    logLine: () => undefined,
    verifyCredential: async ({ secret }) =>
      (secret === testKey || secret === otherKey) && !revoked.has(secret)
        ? { ok: true, principal: { ...everyone, ...idsOf(secret === testKey ? 'key_test' : 'key_other'), ...principal, ...(secret === otherKey ? other : {}) } }
        : { ok: false, reason: 'unknown' },
    lease: async ({ rule, want }) => ({ granted: Math.min(want, rule.limit), remaining: 0, resetAtMs: Date.now() + 60_000, windowIndex: 1, serial: ++serial }),
    stateGet: async ({ key }) => state.get(key) ?? null,
    stateSet: async ({ key, value }) => void state.set(key, value),
    stateSetIfAbsent: async ({ key, value }) => !state.has(key) && state.set(key, value) !== undefined,
    stateReplace: async ({ key, before, after }) => {
      const found = state.get(key);
      if (found === undefined ? before !== null : before === null || Buffer.compare(found, before) !== 0) return false;
      state.set(key, after);
      return true;
    },
    stateTouch: async ({ key }) => state.has(key),
    stateDelete: async ({ key }) => void state.delete(key),
    keptNote: (read) => kept.note(read),
    keptPut: (read) => kept.put(read),
    keptFind: (asked) => kept.find(asked),
    sessionsRefused: (refusals) => void sessionsRefused.push(...refusals),
  };
  const supervisor: Channel<SupervisorHandlers> = {
    ask: async (name, input) => (await handlers[name](input as never)) as never,
    tell: (name, input) => void handlers[name](input as never),
  };
  let readiness: Readiness = {
    ready: true,
    registry: 'ready',
    ledger: 'ready',
    servers: { ready: 1, starting: 0, failed: 0 },
    recordBlocked: false,
    viewStale: false,
  };
  const snapshot: SnapshotData = {
    version: 1,
    organizationId: 'org_default',
    node: 'node_test0000',
    hosts: [`127.0.0.1:${port}`, `localhost:${port}`],
    origins: [`${scheme}://127.0.0.1:${port}`],
    bodyBytesMax: 4 * 1024 * 1024,
    links,
    endpoints,
    currency: 'USD',
    policies,
    others,
    servers: servers.map((server, index) =>
      withoutBreaker({ ...plainServer, name: `s${index + 1}`, path: `/mcp/${server.name ?? `s${index + 1}`}`, ...server }),
    ),
  };
  const feed = createSnapshotFeed();
  let { version } = snapshot;
  const door = assembleWorker(
    {
      snapshot,
      switches: [],
      host: '127.0.0.1',
      port,
      journal: { folder, writer: 'test-1', sync: false },
      keys,
      controlSocket: join(folder, 'control.sock'),
      maskingSocket: join(folder, 'masking.sock'),
      workers: 1,
      log: { level: 'error', format: 'json' },
      tellsLines: false,
      readiness,
      tls,
      targetOrders: [],
    },
    supervisor,
    log,
  );
  await new Promise<void>((resolve) => door.server.listen(port, '127.0.0.1', resolve));
  // As the supervisor does: a worker that hears nothing of it for long trusts its view no more.
  const heartbeat = setInterval(() => door.setReadiness(readiness), 5_000);
  return {
    port,
    url: `${scheme}://127.0.0.1:${port}`,
    door,
    logged,
    sessionsRefused,
    revoke(secret) {
      revoked.add(secret);
      const keyId = secret === testKey ? 'key_test' : 'key_other';
      door.authenticator.drop(keyId);
      door.recheck(keyId);
    },
    async setOpa(opa) {
      feed.offer({ ...snapshot, version: ++version, opa });
      await door.takeSnapshot(feed.updateFrom(null));
    },
    async setPolicies(next) {
      feed.offer({ ...snapshot, version: ++version, policies: next });
      await door.takeSnapshot(feed.updateFrom(null));
    },
    async journal() {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.journal')).sort();
      return Buffer.concat(await Promise.all(names.map((name) => readFile(join(folder, name)))));
    },
    setReadiness(change) {
      readiness = { ...readiness, ...change };
      door.setReadiness(readiness);
    },
    async stop() {
      clearInterval(heartbeat);
      await door.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const idsOf = (id: string): Pick<PrincipalData, 'keyId' | 'credentialId'> => ({ keyId: id, credentialId: id });

const everyone: PrincipalData = {
  kind: 'key',
  credential: 'apiKey',
  credentialId: '',
  issuer: '',
  keyId: '',
  keyPrefix: 'gwo_test_0123',
  organizationId: 'org_default',
  userId: 'usr_test',
  teamId: 'team_test',
  projectId: '',
  agent: 'tester',
  serviceAccountId: '',
  lineage: [],
  owner: null,
  environment: 'test',
  servers: null,
  actions: null,
  expiresAtMs: null,
  deprecatedUntilMs: null,
  rateLimit: null,
};

/** Scripted servers fail on purpose, again and again: a breaker would keep the next call from them. A test that wants one says so. */
function withoutBreaker(server: ServerData): ServerData {
  return { ...server, upstream: server.upstream ?? { ...reachOf(server), breaker: null } };
}

const plainServer = plainServerData({ price: { perCallNano: '1000000', perTokenInputNano: '10000', perTokenOutputNano: '30000', by: 'default' } });

/** The served Host names hold the port, so it is found before the door is built. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
