/**
 * Plan and apply on three nodes: what is applied at one serves on all; of two that are applied at once from two nodes one is done and the other refused,
 * because what it stood on has moved; and a node that was cut from PostgreSQL meanwhile catches up when it is back.
 */
import { Agent } from 'node:http';
import { type Nodes, nodesCount } from '../support/nodes.ts';
import { until } from '../support/poll.ts';
import { type Answer, post, toolCall } from '../support/post.ts';

export interface AppliesReport {
  readonly applied: number;
  /** Milliseconds from the answer of the node that applied, over all nodes. */
  readonly heldP50Ms: number;
  readonly heldMaxMs: number;
  /** From when the node that was cut had its way to PostgreSQL again. */
  readonly caughtUpMaxMs: number;
  readonly problems: readonly string[];
}

export interface AppliesOptions {
  /** What the servers that are applied are one after the other. */
  readonly serverUrl: string;
  readonly tool: string;
  readonly rounds: number;
  readonly heldMsMax: number;
  /** Whether the node that is cut stays so until it refuses calls, which takes half a minute. */
  readonly untilStale: boolean;
}

const waitMs = 90_000;

/** Leaves the registry without servers of its own. Faults are findings in the report; it rejects only where they cannot be looked for. */
export async function tryApplies({ running, admin, link }: Nodes, { serverUrl, tool, rounds, heldMsMax, untilStale }: AppliesOptions): Promise<AppliesReport> {
  const agent = new Agent({ keepAlive: true });
  const problems: string[] = [];
  const held: number[] = [];
  const caughtUp: number[] = [];
  let applied = 0;

  const urlOf = (index: number): string => running[index % nodesCount]?.url ?? '';
  const ask = (index: number, path: string, body: object): Promise<Answer> => post(`${urlOf(index)}${path}`, body, { key: admin, agent });
  const documentOf = (name: string | null): string => JSON.stringify({ servers: name === null ? [] : [{ name, url: serverUrl }] });
  async function planAt(index: number, document: string): Promise<string> {
    const { status, text } = await ask(index, '/v1/config/plan', { document });
    if (status !== 200) throw new Error(`a plan was answered with ${status}: ${text}`);
    return (JSON.parse(text) as { plan: { base: string } }).plan.base;
  }
  /** On a machine that is busy a statement can come too late to the registry, which refuses the whole: it is asked again, with the same base. */
  function applyAt(index: number, document: string, base: string): Promise<Answer> {
    return until(
      async () => {
        const answer = await ask(index, '/v1/config/apply', { document, base });
        return answer.status !== 503 && answer;
      },
      { timeoutMs: waitMs, what: 'an answer to an apply' },
    );
  }
  async function statusAt(index: number, name: string): Promise<number> {
    const { body, headers } = toolCall(tool, {});
    return (await post(`${urlOf(index)}/mcp/${name}`, body, { key: admin, agent, headers })).status;
  }
  /** Until a node serves this one and not that one. */
  async function serves(index: number, name: string, gone: string | null): Promise<void> {
    await until(async () => (await statusAt(index, name)) === 200 && (gone === null || (await statusAt(index, gone)) === 404), {
      timeoutMs: waitMs,
      everyMs: 10,
      what: `node ${(index % nodesCount) + 1} to serve ${name}${gone === null ? '' : ` and not ${gone}`}`,
    });
  }
  async function heldOn(indexes: readonly number[], name: string, gone: string | null, times: number[]): Promise<void> {
    const startedAt = performance.now();
    await Promise.all(
      indexes.map(async (index) => {
        await serves(index, name, gone);
        const ms = performance.now() - startedAt;
        times.push(ms);
        if (ms > heldMsMax) problems.push(`${name} was served by node ${(index % nodesCount) + 1} after ${Math.round(ms)} ms`);
      }),
    );
  }
  async function applyAlone(index: number, name: string | null): Promise<void> {
    const document = documentOf(name);
    const answer = await applyAt(index, document, await planAt(index, document));
    if (answer.status !== 200) throw new Error(`an apply was answered with ${answer.status}: ${answer.text}`);
    applied++;
  }

  const every = Array.from({ length: nodesCount }, (_, index) => index);
  const cutNode = nodesCount - 1;
  try {
    let before: string | null = null;
    for (let round = 0; round < rounds; round++) {
      const alone = `alone-${round}`;
      await applyAlone(round, alone);
      await heldOn(every, alone, before, held);

      // Two at once, from two nodes, on the same base.
      const rivals = [`one-${round}`, `other-${round}`] as const;
      const [at, otherAt] = [round, round + 1];
      const base = await planAt(at, documentOf(rivals[0]));
      if ((await planAt(otherAt, documentOf(rivals[1]))) !== base) throw new Error('two nodes plan on two bases, though nothing moved');
      const answers = await Promise.all([applyAt(at, documentOf(rivals[0]), base), applyAt(otherAt, documentOf(rivals[1]), base)]);
      const winners = rivals.filter((_, index) => answers[index]?.status === 200);
      const refused = answers.filter(({ status, text }) => status === 412 && text.includes('"precondition_failed"'));
      const [winner] = winners;
      if (winner === undefined || winners.length !== 1 || refused.length !== 1) {
        problems.push(`two applies at once were answered with ${answers.map(({ status, text }) => `${status} ${text.slice(0, 200)}`).join(' and ')}`);
        break;
      }
      applied++;
      await heldOn(every, winner, alone, held);
      const loser = rivals.find((name) => name !== winner) ?? '';
      for (const index of every) if ((await statusAt(index, loser)) !== 404) problems.push(`node ${index + 1} serves ${loser}, which was refused`);

      // The last node loses its way to the registry: it goes on with what it knows, changes nothing, and then catches up.
      link.cut();
      const missed = `missed-${round}`;
      await applyAlone(round % cutNode, missed);
      await heldOn(every.slice(0, cutNode), missed, winner, held);
      const there = await statusAt(cutNode, missed);
      if (there === 200) problems.push('a node that is cut off serves what it cannot know of');
      const refusal = await ask(cutNode, '/v1/config/apply', { document: documentOf(null), base });
      if (refusal.status !== 503) problems.push(`an apply at a node that is cut off was answered with ${refusal.status}: ${refusal.text.slice(0, 200)}`);
      if (untilStale)
        await until(async () => (await statusAt(cutNode, winner)) === 503, { timeoutMs: waitMs, everyMs: 100, what: 'a refusal for want of news' });
      link.mend();
      await heldOn([cutNode], missed, winner, caughtUp);
      before = missed;
    }
    await applyAlone(0, null);
    return { applied, heldP50Ms: percentile(held, 0.5), heldMaxMs: percentile(held, 1), caughtUpMaxMs: percentile(caughtUp, 1), problems };
  } finally {
    link.mend();
    agent.destroy();
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0);
}
