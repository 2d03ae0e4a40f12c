/**
 * Two organizations on three nodes with the same of everything: server, team, user, agent, names of keys, and keys with the same prefix. What one of them
 * switches off or revokes, at any node, holds on every node for its own callers and ends what they have open; the other's calls all pass meanwhile, and its streams stay.
 */
import { Agent } from 'node:http';
import { Client } from 'pg';
import { createSecretHasher } from '../../packages/gateway/src/control/keys/hash-secret.ts';
import { type Listening, openListening } from '../support/listening.ts';
import { type Nodes, nodesCount } from '../support/nodes.ts';
import { until } from '../support/poll.ts';
import { type Answer, post, toolCall } from '../support/post.ts';

export interface TenantsReport {
  readonly changes: number;
  /** Milliseconds from the answer of the node that made the change, over all nodes. */
  readonly heldP50Ms: number;
  readonly heldMaxMs: number;
  /** Until the last stream of a caller that was stopped had ended. */
  readonly endedMaxMs: number;
  /** Calls of the other organization while changes were made; all were answered with their result. */
  readonly callsBeside: number;
  readonly problems: readonly string[];
}

export interface TenantsOptions {
  /** A server of 2026-07-28 that is offered to every organization, and a tool of it without arguments. */
  readonly server: string;
  readonly tool: string;
  readonly heldMsMax: number;
  readonly endedMsMax: number;
}

interface Key {
  readonly id: string;
  readonly secret: string;
}

interface Change {
  readonly what: string;
  readonly path: string;
  /** Whether streams of those who are stopped end. */
  readonly endsStreams: boolean;
  readonly isRevocation?: true;
}

const organizations = ['org_here', 'org_beside'] as const;
const waitMs = 90_000;

/** Leaves the organizations where they are. Faults are findings in the report; it rejects only where they cannot be looked for. */
export async function tryTenants(nodes: Nodes, { server, tool, heldMsMax, endedMsMax }: TenantsOptions): Promise<TenantsReport> {
  const { running, admin } = nodes;
  const agent = new Agent({ keepAlive: true });
  const listenings: Listening[] = [];
  const problems: string[] = [];
  const held: number[] = [];
  const ended: number[] = [];
  let changes = 0;
  let callsBeside = 0;

  const urlOf = (index: number): string => running[index % nodesCount]?.url ?? '';
  async function within(organization: string | null, index: number, method: string, path: string, body?: object): Promise<Answer> {
    const headers: Record<string, string> = organization === null ? {} : { 'gatewayops-organization': organization };
    const answer = await post(`${urlOf(index)}${path}`, body, { method, key: admin, agent, headers });
    if (answer.status >= 300) throw new Error(`${method} ${path} was answered with ${answer.status}: ${answer.text}`);
    return answer;
  }
  async function call(index: number, key: Key): Promise<number> {
    const { body, headers } = toolCall(tool, {});
    const { status, text } = await post(`${urlOf(index)}/mcp/${server}`, body, { key: key.secret, agent, headers });
    // A tool that is hidden is an error of the protocol, with the status of its own.
    return status === 200 && text.includes('"error"') ? 404 : status;
  }
  const every = Array.from({ length: nodesCount }, (_, index) => index);
  const reaches = (key: Key): Promise<unknown> =>
    Promise.all(every.map((index) => until(async () => (await call(index, key)) === 200, { timeoutMs: waitMs, what: 'a call with a key' })));

  /** At one node in `here`; until every node stops `ours`, while `theirs` calls on, and then takes it back. */
  async function change({ what, path, endsStreams, isRevocation }: Change, at: number, ours: Key, theirs: Key): Promise<void> {
    await Promise.all([reaches(ours), reaches(theirs)]);
    const open = (key: Key): Promise<Listening[]> =>
      Promise.all(running.map(({ mcp }, index) => openListening(`${mcp}/${server}`, key.secret, `${what} ${index}`)));
    const [own, others] = await Promise.all([open(ours), open(theirs)]);
    listenings.push(...own, ...others);
    let isOver = false;
    const beside = Promise.all(
      every.map((index) =>
        until(
          async () => {
            const status = await call(index, theirs);
            callsBeside++;
            if (status !== 200) problems.push(`${what} in one organization: a call of the other at node ${index + 1} was answered with ${status}`);
            return isOver;
          },
          { timeoutMs: 4 * waitMs, giveUpOn: () => true, what: 'the end of a change' },
        ),
      ),
    );
    // What breaks there is said when it is waited for.
    beside.catch(() => undefined);
    await within(organizations[0], at, isRevocation ? 'DELETE' : 'PUT', path, isRevocation ? undefined : { reason: 'a trial' });
    const startedAt = performance.now();
    changes++;
    await Promise.all(
      every.map(async (index) => {
        await until(async () => (await call(index, ours)) !== 200, { timeoutMs: waitMs, everyMs: 10, what: `${what} on every node` });
        const ms = performance.now() - startedAt;
        held.push(ms);
        if (ms > heldMsMax) problems.push(`${what}, done at node ${(at % nodesCount) + 1}, held on node ${index + 1} after ${Math.round(ms)} ms`);
      }),
    );
    if (endsStreams) {
      await until(() => own.every((one) => one.endedAt() !== null), { timeoutMs: waitMs, what: `the end of streams: ${what}` });
      const ms = Math.max(0, ...own.map((one) => (one.endedAt() ?? 0) - startedAt));
      ended.push(ms);
      if (ms > endedMsMax) problems.push(`${what}: streams ended after ${Math.round(ms)} ms`);
    }
    if (!isRevocation) {
      await within(organizations[0], at + 1, 'DELETE', path);
      await reaches(ours);
    }
    isOver = true;
    await beside;
    const cut = others.filter((one) => one.endedAt() !== null).length;
    if (cut > 0) problems.push(`${what} in one organization ended ${cut} streams of the other`);
    for (const one of [...own, ...others]) one.close();
  }

  try {
    for (const id of organizations) {
      await within(null, 0, 'POST', '/v1/organizations', { id, name: id });
      await within(id, 1, 'POST', '/v1/teams', { id: 'team_ops', name: 'Ops' });
    }
    const newKey = async (organization: string, index: number, metadata: object = {}): Promise<Key> =>
      (JSON.parse((await within(organization, index, 'POST', '/v1/auth/keys', { name: 'the same', metadata })).text) as { key: Key }).key;
    const pair = async (metadata: object = {}): Promise<readonly [Key, Key]> => [
      await newKey('org_here', 0, metadata),
      await newKey('org_beside', 1, metadata),
    ];
    const ofTeam = await pair({ team_id: 'team_ops' });
    const ofUser = await pair({ user_id: 'pat' });
    const ofAgent = await pair({ agent: 'helper' });
    const [alone, beside] = await pair();
    const twin = await sameElsewhere(nodes.registryUrl, alone, organizations[1]);

    const off = (kind: string, name: string): string => `/v1/switches/${kind}/${encodeURIComponent(name)}`;
    await Promise.all([
      change({ what: 'a team switched off', path: off('team', 'team_ops'), endsStreams: true }, 0, ...ofTeam),
      change({ what: 'a user switched off', path: off('user', 'pat'), endsStreams: true }, 1, ...ofUser),
      change({ what: 'an agent switched off', path: off('agent', 'helper'), endsStreams: true }, 2, ...ofAgent),
      change({ what: 'a key switched off', path: off('key', alone.id), endsStreams: true }, 0, alone, twin),
    ]);
    await change({ what: 'a tool switched off', path: off('tool', `${server}/${tool}`), endsStreams: false }, 1, alone, beside);
    await change({ what: 'a server switched off', path: off('server', server), endsStreams: true }, 2, alone, beside);
    await change({ what: 'a key revoked', path: `/v1/auth/keys/${alone.id}`, endsStreams: true, isRevocation: true }, 0, alone, twin);
    // The id of another organization's key is that of none.
    const foreign = await post(`${urlOf(1)}/v1/auth/keys/${beside.id}`, undefined, {
      method: 'DELETE',
      key: admin,
      agent,
      headers: { 'gatewayops-organization': organizations[0] },
    });
    if (foreign.status !== 404) problems.push(`revoking a key of another organization was answered with ${foreign.status}`);
    await reaches(beside);
    return {
      changes,
      heldP50Ms: percentile(held, 0.5),
      heldMaxMs: percentile(held, 1),
      endedMaxMs: percentile(ended, 1),
      callsBeside,
      problems: [...new Set(problems)],
    };
  } finally {
    for (const one of listenings) one.close();
    agent.destroy();
  }
}

/** A key of another organization whose secret has the same prefix, which chance makes once in 15 million: written where the nodes look for it. */
async function sameElsewhere(registryUrl: string, { id, secret }: Key, organization: string): Promise<Key> {
  const afterPrefix = secret.length - 28;
  const half = secret.length - 14;
  const twin: Key = { id: `${id.slice(0, -4)}Twin`, secret: secret.slice(0, afterPrefix) + secret.slice(half) + secret.slice(afterPrefix, half) };
  const client = new Client({ connectionString: registryUrl });
  await client.connect();
  try {
    await client.query(`select set_config('gatewayops.organization', '*', false)`);
    await client.query(
      `insert into api_keys (id, organization_id, name, environment, prefix, hash, scopes, metadata, created_at, created_by)
       select $2, $3, name, environment, prefix, $4, scopes, metadata, created_at, created_by from api_keys where id = $1`,
      [id, twin.id, organization, await createSecretHasher(10).hash(twin.secret)],
    );
  } finally {
    await client.end();
  }
  return twin;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0);
}
