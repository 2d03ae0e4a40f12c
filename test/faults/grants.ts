/**
 * What a person allowed a client, on three nodes: a token of one node is good on all, what is taken back at one ends on all, and a refresh token that two hold
 * is good for neither, whichever nodes they show it at.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { type Listening, openListening } from '../support/listening.ts';
import { type Nodes, nodesCount } from '../support/nodes.ts';
import { answerConsent, openLink } from '../support/person.ts';
import { until } from '../support/poll.ts';
import { post, toolCall } from '../support/post.ts';

export interface GrantsReport {
  readonly grants: number;
  /** Milliseconds from the answer of the node at which it was taken back, over all nodes. */
  readonly heldMaxMs: number;
  /** Until the last stream of the client had ended. */
  readonly endedMaxMs: number;
  readonly problems: readonly string[];
}

export interface GrantsOptions {
  readonly server: string;
  readonly tool: string;
  /** A client of `identity.authorization_server`, without a secret, and where it is answered. */
  readonly clientId: string;
  readonly redirectUri: string;
  /** `listen.public_url`, at which the first node answers. */
  readonly publicUrl: string;
  readonly rounds: number;
  readonly heldMsMax: number;
  readonly endedMsMax: number;
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

const waitMs = 60_000;

/** Faults are findings in the report; it rejects only where they cannot be looked for. */
export async function tryGrants(nodes: Nodes, options: GrantsOptions): Promise<GrantsReport> {
  const { server, tool, clientId, redirectUri, publicUrl, rounds, heldMsMax, endedMsMax } = options;
  const { running, admin } = nodes;
  const agent = new Agent({ keepAlive: true });
  const problems: string[] = [];
  const held: number[] = [];
  const ended: number[] = [];
  const open: Listening[] = [];
  const person = await openLink(running[0]?.adminLink ?? '');
  const urlOf = (index: number): string => running[index % nodesCount]?.url ?? '';
  const every = Array.from({ length: nodesCount }, (_, index) => index);

  const ask = async (index: number, form: Readonly<Record<string, string>>): Promise<{ readonly status: number; readonly text: string }> => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return post(`${urlOf(index)}/oauth/token`, new URLSearchParams({ client_id: clientId, ...form }).toString(), { headers, agent });
  };
  const statusAt = async (index: number, token: string): Promise<number> => {
    const { body, headers } = toolCall(tool, {});
    return (await post(`${urlOf(index)}/mcp/${server}`, body, { key: token, headers, agent })).status;
  };
  /** A person allows it at the first node, and the client exchanges the code at another. */
  async function signIn(at: number): Promise<Tokens> {
    const verifier = randomBytes(32).toString('base64url');
    const resource = `${publicUrl}/mcp/${server}`;
    const asked = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      resource,
      state: 'x',
    });
    const { location } = await answerConsent(person, new URL(`${publicUrl}/oauth/authorize?${asked.toString()}`), 'allow');
    const code = location.searchParams.get('code') ?? '';
    const { status, text } = await ask(at, { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier, resource });
    if (status !== 200) throw new Error(`the exchange of a code at node ${(at % nodesCount) + 1} was answered with ${status}: ${text}`);
    return JSON.parse(text) as Tokens;
  }
  const grantOf = ({ access_token: token }: Tokens): string =>
    (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { grant_id: string }).grant_id;

  async function takeBack(tokens: Tokens, at: number): Promise<void> {
    const streams = await Promise.all(running.map(({ mcp }, index) => openListening(`${mcp}/${server}`, tokens.access_token, `grant ${index}`)));
    open.push(...streams);
    const answer = await post(`${urlOf(at)}/v1/grants/${grantOf(tokens)}`, undefined, { method: 'DELETE', key: admin, agent });
    if (answer.status >= 300) throw new Error(`a grant was not taken back: ${answer.status} ${answer.text}`);
    const startedAt = performance.now();
    await Promise.all(
      every.map(async (index) => {
        await until(async () => (await statusAt(index, tokens.access_token)) === 401, {
          timeoutMs: waitMs,
          everyMs: 10,
          what: 'the end of a grant on every node',
        });
        const ms = performance.now() - startedAt;
        held.push(ms);
        if (ms > heldMsMax) problems.push(`a grant taken back at node ${(at % nodesCount) + 1} held on node ${index + 1} after ${Math.round(ms)} ms`);
      }),
    );
    await until(() => streams.every((one) => one.endedAt() !== null), { timeoutMs: waitMs, what: 'the end of the streams of a grant' });
    const ms = Math.max(...streams.map((one) => (one.endedAt() ?? 0) - startedAt));
    ended.push(ms);
    if (ms > endedMsMax) problems.push(`streams of a grant ended after ${Math.round(ms)} ms`);
    const late = await ask(at + 1, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
    if (late.status !== 400) problems.push(`a refresh token of a grant that was taken back was answered with ${late.status}`);
  }

  /** Two hold the same refresh token, and show it at two nodes at once. */
  async function race(tokens: Tokens, at: number): Promise<void> {
    const answers = await Promise.all([at, at + 1].map((index) => ask(index, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })));
    const won = answers.filter(({ status }) => status === 200);
    if (won.length > 1) problems.push('a refresh token was good at two nodes at once');
    const after = won.map(({ text }) => (JSON.parse(text) as Tokens).access_token);
    for (const token of [tokens.access_token, ...after])
      await Promise.all(
        every.map((index) =>
          until(async () => (await statusAt(index, token)) === 401, { timeoutMs: waitMs, what: 'the end of a grant whose refresh token two had' }),
        ),
      );
  }

  try {
    for (let round = 0; round < rounds; round += 1) {
      const tokens = await signIn(round + 1);
      const statuses = await Promise.all(every.map((index) => statusAt(index, tokens.access_token)));
      if (statuses.some((status) => status !== 200))
        problems.push(`a token of node ${((round + 1) % nodesCount) + 1} was answered with ${statuses.join(', ')}`);
      if (round % 2 === 0) await takeBack(tokens, round);
      else await race(tokens, round);
    }
    return { grants: rounds, heldMaxMs: Math.round(Math.max(0, ...held)), endedMaxMs: Math.round(Math.max(0, ...ended)), problems: [...new Set(problems)] };
  } finally {
    for (const one of open) one.close();
    agent.destroy();
  }
}
