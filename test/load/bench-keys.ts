/**
 * `npm run bench -- keys [-o json]`: what 100,000 keys in the registry cost. A worker does not hold them all: it asks the supervisor for one that it does not know, which asks the
 * registry, and remembers the answer; so there is the start of a gateway, the look-up in the registry, the first call with a key, and the look-up in a worker that knows as many.
 * In PostgreSQL, where there is one: what it costs to find the keys of one user among them, and to note that something has changed for them, behind row security and without it.
 */
import { Client } from 'pg';
import { createAuthenticator } from '../../packages/gateway/src/authenticate/authenticate.ts';
import { systemClock } from '../../packages/gateway/src/kernel/clock.ts';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import { principalBlock } from '../../packages/gateway/src/record/call-record.ts';
import { openRegistry } from '../../packages/gateway/src/store/registry/open-registry.ts';
import type { OrganizationId } from '../../packages/gateway/src/kernel/id.ts';
import { testAuditKey } from '../support/audit-key.ts';
import { ordinaryDatabase, startPostgres } from '../support/postgres.ts';
import { post } from '../support/post.ts';
import { requires } from '../support/requires.ts';
import { startGateway } from '../support/start-gateway.ts';
import { testPrincipal } from '../support/test-principal.ts';
import { fillRegistry } from './fill-registry.ts';

export interface KeysBench {
  readonly keys: number;
  /** Of a gateway on a state folder that it had before: with one key, and with all. */
  readonly startMs: { readonly one: number; readonly all: number };
  /** By the prefix of a secret, in the embedded registry, over its socket. */
  readonly registry: { readonly knownMs: Times; readonly unknownMs: Times };
  /** In PostgreSQL, as a role that row security holds for and as one that it does not; null where there is no PostgreSQL. */
  readonly ofUser: { readonly walled: OfUser; readonly open: OfUser } | null;
  /** A request with a key that nobody has shown yet, bcrypt included, and one with the same key again. */
  readonly request: { readonly firstMs: number; readonly againMs: number };
  /** In a worker that has been shown all keys. */
  readonly worker: { readonly knownUs: number; readonly bytesOfKey: number };
}

interface OfUser {
  readonly foundMs: Times;
  readonly touchedMs: Times;
}

interface Times {
  readonly median: number;
  readonly p99: number;
}

const keys = 100_000;
const lookups = 1_000;

/** `collect`: what is not needed any more leaves the heap. */
export async function runKeysBench(collect: () => void): Promise<KeysBench> {
  const config = { workers: 1, servers: [], log: { level: 'warn' } };
  const first = await startGateway({ config });
  const { stateFolder, apiKey } = first;
  await first.stop();
  if (apiKey === null) throw new Error('the first start showed no API key');
  const again = await startGateway({ config, stateFolder });
  await again.stop();
  const registry = await fillAndMeasure(stateFolder);
  const full = await startGateway({ config, stateFolder });
  try {
    const ask = async (): Promise<number> => {
      const { status, ms } = await post(`${full.url}/v1/mcp/none/tools/list`, {}, { key: apiKey });
      // The key is good; there is no such server.
      if (status === 401) throw new Error('the key is refused');
      return ms;
    };
    const firstMs = await ask();
    const others: number[] = [];
    for (let count = 0; count < 20; count++) others.push(await ask());
    return {
      keys,
      startMs: { one: again.readyMs, all: full.readyMs },
      registry,
      ofUser: requires('postgres').missing === null ? await measureOfUser() : null,
      request: { firstMs, againMs: timesOf(others).median },
      worker: await measureWorker(collect),
    };
  } finally {
    await full.stop();
  }
}

async function fillAndMeasure(stateFolder: string): Promise<KeysBench['registry']> {
  let known: readonly string[] = [];
  const fill = async (client: Client): Promise<void> => {
    // Each is the one that there is, but for its id and its prefix of four characters out of 62.
    await client.query(`
      insert into api_keys (id, organization_id, name, environment, prefix, hash, scopes, metadata, created_at, created_by)
      select 'key_bench' || n, organization_id, 'key ' || n, environment,
        'gwo_live_' || substr(translate(encode(sha256(n::text::bytea), 'base64'), '+/=', 'xyz'), 1, 4), hash, scopes, metadata, created_at, created_by
      from (select * from api_keys limit 1) as one, generate_series(1, ${keys}) as n`);
    const { rows } = await client.query<{ prefix: string }>(`select prefix from api_keys where id like 'key_bench%' order by random() limit ${lookups}`);
    known = rows.map(({ prefix }) => prefix);
  };
  return fillRegistry(stateFolder, fill, async (address) => {
    const registry = await openRegistry({ address, connectionsMax: 1, auditKey: testAuditKey, log: silentLog });
    try {
      const measure = async (prefixes: readonly string[], isKnown: boolean): Promise<Times> => {
        const times: number[] = [];
        for (const prefix of prefixes) {
          const startedAt = performance.now();
          const found = await registry.keys.findByPrefix(prefix);
          times.push(performance.now() - startedAt);
          if (found.length > 0 !== isKnown) throw new Error(`${found.length} keys with the prefix ${prefix}`);
        }
        return timesOf(times);
      };
      await measure(known.slice(0, lookups / 10), true);
      const unknown = known.map((prefix) => prefix.replace('_live_', '_none_'));
      return { knownMs: await measure(known, true), unknownMs: await measure(unknown, false) };
    } finally {
      await registry.close();
    }
  });
}

/** 20,000 users of five keys each. */
async function measureOfUser(): Promise<NonNullable<KeysBench['ofUser']>> {
  const postgres = await startPostgres();
  try {
    const walled = await ordinaryDatabase(postgres.url);
    const open = new URL(postgres.url);
    open.pathname = new URL(walled).pathname;
    await (await openRegistry({ address: { url: walled }, connectionsMax: 1, auditKey: testAuditKey, log: silentLog })).close();
    const client = new Client({ connectionString: open.href });
    await client.connect();
    await client.query(`
      insert into api_keys (id, organization_id, name, environment, prefix, hash, scopes, metadata, created_at, created_by)
      select 'key_bench' || n, 'org_default', 'key ' || n, 'live', 'gwo_live_' || substr(md5(n::text), 1, 4), md5(n::text), '{"servers":null,"actions":["tools.call"]}',
        jsonb_build_object('user_id', 'user-' || n % 20000, 'team_id', 'team-' || n % 200, 'agent', 'agent-' || n % 5000), now() - n * interval '1 second', 'bench'
      from generate_series(1, ${keys}) as n`);
    await client.query('vacuum analyze');
    await client.end();
    return { walled: await askOfUsers(walled), open: await askOfUsers(open.href) };
  } finally {
    await postgres.stop();
  }
}

async function askOfUsers(url: string): Promise<OfUser> {
  const organizationId = 'org_default' as OrganizationId;
  const registry = await openRegistry({ address: { url }, connectionsMax: 1, auditKey: testAuditKey, log: silentLog });
  const timed = async (ask: (user: string) => Promise<unknown>): Promise<Times> => {
    const times: number[] = [];
    for (let turn = 0; turn < lookups / 10; turn++) {
      const startedAt = performance.now();
      await ask(`user-${(turn * 7_919) % 20_000}`);
      times.push(performance.now() - startedAt);
    }
    return timesOf(times);
  };
  try {
    return {
      foundMs: await timed(async (id) => {
        const found = await registry.keys.list(organizationId, { after: null, limit: 50, named: [{ kind: 'user', id }] });
        if (found.length !== 5) throw new Error(`${found.length} keys of ${id}`);
      }),
      touchedMs: await timed((id) => registry.transaction(({ access }) => access.touchKeysOf(organizationId, [{ kind: 'user', id }]))),
    };
  } finally {
    await registry.close();
  }
}

async function measureWorker(collect: () => void): Promise<KeysBench['worker']> {
  let asked = 0;
  const authenticator = createAuthenticator({
    verify: async (secret) => {
      asked++;
      return { ok: true, principal: { ...testPrincipal().data, keyId: `key_${secret}`, credentialId: `key_${secret}` } };
    },
    takesTokens: () => false,
    encode: principalBlock,
    organizationId: 'org_default',
    clock: systemClock,
  });
  const headerOf = (index: number): string => `Bearer gwo_live_${String(index).padStart(32, '0')}`;
  collect();
  const before = process.memoryUsage();
  for (let index = 0; index < keys; index++) await authenticator.authenticate(headerOf(index));
  collect();
  const after = process.memoryUsage();
  const headers = Array.from({ length: keys }, (_, index) => headerOf((index * 7_919) % keys));
  const startedAt = performance.now();
  for (const header of headers) void authenticator.authenticate(header);
  const knownUs = ((performance.now() - startedAt) * 1_000) / keys;
  if (asked !== keys) throw new Error(`${asked} keys were asked for`);
  return { knownUs, bytesOfKey: (after.heapUsed + after.external - before.heapUsed - before.external) / keys };
}

function timesOf(times: readonly number[]): Times {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1] ?? 0, p99: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0 };
}

export function renderKeysBench({ keys: count, startMs, registry, ofUser, request, worker }: KeysBench): string {
  const times = ({ median, p99 }: Times): string => `${median.toFixed(2)} ms at the median, ${p99.toFixed(2)} ms at the 99th percentile`;
  return [
    `${count} keys in the registry: it starts in ${(startMs.all / 1000).toFixed(1)} s, with one key in ${(startMs.one / 1000).toFixed(1)} s.`,
    `A key is found by its prefix in ${times(registry.knownMs)}; that there is none in ${times(registry.unknownMs)}.`,
    ...(ofUser === null
      ? []
      : [
          `In PostgreSQL the five keys of a user are found in ${times(ofUser.walled.foundMs)}, without row security in ${times(ofUser.open.foundMs)}.`,
          `That something has changed for them is noted in ${times(ofUser.walled.touchedMs)}, without row security in ${times(ofUser.open.touchedMs)}.`,
        ]),
    `The first request with a key takes ${request.firstMs.toFixed(0)} ms, of which bcrypt is most; the next ${request.againMs.toFixed(1)} ms.`,
    `A worker that knows ${count} keys finds one in ${worker.knownUs.toFixed(2)} µs, and holds ${worker.bytesOfKey.toFixed(0)} bytes for each.`,
  ].join('\n');
}
