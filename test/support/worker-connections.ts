/** Connections that are known to end at a certain worker: the kernel decides which one accepts, so they are opened until each has some. */
import { Agent } from 'node:http';
import { connectionOwner } from './connection-owner.ts';
import { pidsOf } from './gateway-processes.ts';
import { until } from './poll.ts';
import { post } from './post.ts';
import type { RunningGateway } from './start-gateway.ts';

export interface WorkerConnections {
  /** The workers by process id, with at least so many kept-alive connections each; each agent is one connection. */
  readonly byWorker: ReadonlyMap<number, readonly Agent[]>;
  close(): void;
}

const burst = 10;

/** Opens connections until every worker that lives now has `each` of them. */
export async function openWorkerConnections(gateway: RunningGateway, each = 1): Promise<WorkerConnections> {
  const byWorker = new Map<number, Agent[]>(pidsOf(gateway, 'worker').map((pid) => [pid, []]));
  const opened: Agent[] = [];
  await until(
    async () => {
      await Promise.all(Array.from({ length: burst }, () => openOne()));
      return [...byWorker.values()].every((agents) => agents.length >= each);
    },
    { what: `${each} connections to each of ${byWorker.size} workers`, everyMs: 1 },
  );
  return {
    byWorker,
    close() {
      for (const agent of opened) agent.destroy();
    },
  };

  async function openOne(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    opened.push(agent);
    const { localPort } = await post(`${gateway.url}/healthz`, undefined, { agent });
    const owner = connectionOwner([...byWorker.keys()], localPort, gateway.port);
    if (owner !== null) byWorker.get(owner)?.push(agent);
  }
}
