/**
 * Promise 3: three nodes share PostgreSQL and Redis, and 1,000 streams are open through them. Keys are revoked, a tool is switched off and rules
 * come, each at another node: how long until every node goes by it, and until what was open has ended; the same with Redis gone; and what becomes of
 * calls when PostgreSQL does not answer.
 */
import { Agent } from 'node:http';
import { type Listening, openListening } from '../support/listening.ts';
import { modernServer } from '../support/modern-server.ts';
import { nodesCount, startNodes } from '../support/nodes.ts';
import { until } from '../support/poll.ts';
import { post, toolCall } from '../support/post.ts';
import { processTree } from '../support/processes.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';
import { defaultReply, event, scriptsEras, stream, when } from '../support/replies.ts';
import type { RunningGateway } from '../support/start-gateway.ts';

export interface RevocationReport {
  readonly streams: number;
  /** Milliseconds from the answer of the node that made the change, over all changes and nodes; `gone`: with Redis away. */
  readonly heldP50Ms: number;
  readonly heldP99Ms: number;
  readonly heldMaxMs: number;
  readonly heldGoneMaxMs: number;
  /** Until the last stream of a revoked key had ended. */
  readonly endedP50Ms: number;
  readonly endedMaxMs: number;
  readonly endedGoneMaxMs: number;
  /** How long nodes went on answering calls without PostgreSQL, at least and at most. */
  readonly staleAfterMs: readonly [number, number];
  readonly problems: readonly string[];
}

export interface RevocationOptions {
  readonly streams: number;
  readonly onStep?: (step: string) => void;
}

const keysMade = 20;
const heldMsMax = 1_000;
const endedMsMax = 2_000;
const waitMs = 60_000;

interface Key {
  readonly id: string;
  readonly secret: string;
}

/** Faults are findings in the report; it rejects only where they cannot be looked for. */
export async function runRevocation({ streams, onStep = () => undefined }: RevocationOptions): Promise<RevocationReport> {
  const ends: (() => Promise<unknown> | void)[] = [];
  const agent = new Agent({ keepAlive: true });
  ends.push(() => agent.destroy());
  try {
    const listened = stream([event({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications: {} } })], 'open');
    const upstream = await startRecordingUpstream(
      scriptsEras(when(({ body }) => body.includes('"subscriptions/listen"'), listened, modernServer(defaultReply))),
    );
    ends.push(() => upstream.stop());
    const nodes = await startNodes({ config: { servers: [{ name: 'counted', url: upstream.url }], record: { bodies: 'off' } } });
    ends.push(() => nodes.stop());
    const { running, admin, postgres, redis } = nodes;
    const urlOf = (index: number): string => running[index % nodesCount]?.url ?? '';
    const problems: string[] = [];

    const keys: Key[] = [];
    for (let index = 0; index < keysMade; index++) {
      const made = await post(`${urlOf(index)}/v1/auth/keys`, { name: `key ${index}` }, { key: admin, agent });
      if (made.status !== 201) throw new Error(`no key: ${made.status} ${made.text}`);
      const { id, secret } = (JSON.parse(made.text) as { key: Key }).key;
      keys.push({ id, secret });
    }
    const open = await openStreams(running, keys, streams, ends);
    if (open.count() < streams) throw new Error(`${open.count()} of ${streams} streams are open`);
    onStep(`${streams} streams are open`);

    const held: number[] = [];
    const ended: number[] = [];
    /** Makes a change at one node, and looks at all until each goes by it. */
    async function change(
      what: string,
      index: number,
      make: () => Promise<{ status: number; text: string }>,
      isHeld: (url: string) => Promise<boolean>,
    ): Promise<number> {
      const made = await make();
      if (made.status >= 300) throw new Error(`${what}: ${made.status} ${made.text}`);
      const startedAt = performance.now();
      const times = await Promise.all(
        running.map(async ({ url }) => {
          await until(() => isHeld(url), { timeoutMs: waitMs, everyMs: 10, what: `${what} on every node` });
          return performance.now() - startedAt;
        }),
      );
      for (const [node, ms] of times.entries())
        if (ms > heldMsMax) problems.push(`${what} made at node ${(index % nodesCount) + 1} held on node ${node + 1} after ${Math.round(ms)} ms`);
      held.push(...times);
      return startedAt;
    }
    async function call(url: string, key: string, tool = 'echo'): Promise<{ status: number; text: string }> {
      const { body, headers } = toolCall(tool, {});
      return post(`${url}/mcp/counted`, body, { key, agent, headers });
    }
    async function revoke(key: Key, index: number): Promise<void> {
      const before = open.of(key.id);
      const startedAt = await change(
        'a revoked key',
        index,
        () => post(`${urlOf(index)}/v1/auth/keys/${key.id}`, undefined, { method: 'DELETE', key: admin, agent }),
        async (url) => (await call(url, key.secret)).status === 401,
      );
      await until(() => before.every((one) => one.endedAt() !== null), { timeoutMs: waitMs, what: 'the end of its streams' });
      const ms = Math.max(0, ...before.map((one) => (one.endedAt() ?? 0) - startedAt));
      if (ms > endedMsMax) problems.push(`streams of a key revoked at node ${(index % nodesCount) + 1} ended after ${Math.round(ms)} ms`);
      ended.push(ms);
    }
    const last = keys.at(-1);
    if (last === undefined) throw new Error('no keys');
    async function round(from: number): Promise<void> {
      for (const [index, key] of keys.slice(from, from + keysMade / 2 - 1).entries()) await revoke(key, index);
      for (let index = 0; index < nodesCount; index++) {
        const place = `${urlOf(index)}/v1/switches/tool/${encodeURIComponent('counted/echo')}`;
        const isOff = async (url: string): Promise<boolean> => (await call(url, last?.secret ?? '')).text.includes('unknown_tool');
        await change('a tool switched off', index, () => post(place, { reason: 'a trial' }, { method: 'PUT', key: admin, agent }), isOff);
        await change(
          'a tool switched on',
          index,
          () => post(place, undefined, { method: 'DELETE', key: admin, agent }),
          async (url) => !(await isOff(url)),
        );
      }
    }
    await round(0);
    const [heldNear, endedNear] = [held.length, ended.length];
    onStep('Redis goes');
    await redis.stop();
    await round(keysMade / 2);

    onStep('PostgreSQL does not answer');
    const members = processTree(postgres.pid);
    ends.push(() => members.forEach((pid) => resume(pid)));
    for (const pid of members) process.kill(pid, 'SIGSTOP');
    const cutAt = performance.now();
    const stale = await Promise.all(
      running.map(async ({ url }) => {
        await until(async () => (await call(url, last.secret)).text.includes('view_stale'), {
          timeoutMs: waitMs,
          everyMs: 100,
          what: 'a refusal for want of news',
        });
        return performance.now() - cutAt;
      }),
    );
    for (const pid of members) resume(pid);
    await Promise.all(running.map(({ url }) => until(async () => (await call(url, last.secret)).status === 200, { timeoutMs: waitMs, what: 'calls again' })));
    const others = open.of(last.id).filter((one) => one.endedAt() !== null).length;
    if (others > 0) problems.push(`${others} streams of a key that is good ended`);

    return {
      streams,
      heldP50Ms: percentile(held.slice(0, heldNear), 0.5),
      heldP99Ms: percentile(held.slice(0, heldNear), 0.99),
      heldMaxMs: percentile(held.slice(0, heldNear), 1),
      heldGoneMaxMs: percentile(held.slice(heldNear), 1),
      endedP50Ms: percentile(ended.slice(0, endedNear), 0.5),
      endedMaxMs: percentile(ended.slice(0, endedNear), 1),
      endedGoneMaxMs: percentile(ended.slice(endedNear), 1),
      staleAfterMs: [Math.round(Math.min(...stale)), Math.round(Math.max(...stale))],
      problems,
    };
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

interface Open {
  count(): number;
  of(keyId: string): readonly Listening[];
}

/** The same number for each key, spread over the nodes. */
async function openStreams(running: readonly RunningGateway[], keys: readonly Key[], count: number, ends: (() => void)[]): Promise<Open> {
  const all: { readonly keyId: string; readonly listening: Listening }[] = [];
  ends.push(() => all.forEach(({ listening }) => listening.close()));
  for (let index = 0; index < count; index++) {
    const key = keys[index % keys.length];
    const gateway = running[Math.floor(index / keys.length) % running.length];
    if (key === undefined || gateway === undefined) throw new Error('nothing to open a stream with');
    all.push({ keyId: key.id, listening: await openListening(`${gateway.mcp}/counted`, key.secret, `s-${index}`) });
  }
  return {
    count: () => all.filter(({ listening }) => listening.endedAt() === null).length,
    of: (keyId) => all.flatMap((one) => (one.keyId === keyId ? [one.listening] : [])),
  };
}

function resume(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It is gone.
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0);
}
