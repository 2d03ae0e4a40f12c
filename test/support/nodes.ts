/** Three nodes on one PostgreSQL and one Redis. The registry's role is an ordinary one, so that row security holds; the way of the last node to it can be cut. */
import { join } from 'node:path';
import { type Link, startLink } from './link.ts';
import { killTree } from './processes.ts';
import { ordinaryDatabase, startPostgres, type TemporaryPostgres } from './postgres.ts';
import { startRedis, type TemporaryRedis } from './redis.ts';
import { type GatewayOptions, type RunningGateway, startGateway, temporaryFolder } from './start-gateway.ts';

export interface Nodes {
  /** By their index; one that was started again has taken the place of the one before. */
  readonly running: readonly RunningGateway[];
  /** A key of an administrator of the gateway. */
  readonly admin: string;
  readonly postgres: TemporaryPostgres;
  /** The registry, as the role that the nodes have. */
  readonly registryUrl: string;
  readonly redis: TemporaryRedis;
  /** The last node's way to PostgreSQL. */
  readonly link: Link;
  /** Starts one again that was stopped, with its state and at its port. */
  start(index: number): Promise<void>;
  /** Kills what runs. */
  stop(): Promise<void>;
}

export interface NodesOptions extends Pick<GatewayOptions, 'config' | 'env'> {
  /** Where they listen. Default: at ports that are free. */
  readonly ports?: readonly number[];
}

export const nodesCount = 3;

/** Needs the programs `postgres` and `redis-server`. */
export async function startNodes({ config, env = {}, ports = [] }: NodesOptions): Promise<Nodes> {
  const ends: (() => Promise<unknown> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  try {
    const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    ends.push(() => Promise.all([postgres.stop(), redis.stop()]));
    const registryUrl = await ordinaryDatabase(postgres.url);
    const link = await startLink(registryUrl);
    ends.push(() => link.stop());
    const folder = temporaryFolder();
    const launch = async (index: number): Promise<RunningGateway> => {
      const started = await startGateway({
        stateFolder: join(folder, `node-${index}`),
        env: { DATABASE_URL: index === nodesCount - 1 ? link.url : registryUrl, REDIS_URL: redis.url, ...env },
        readyTimeoutMs: 120_000,
        onSpawn: (pid) => ends.push(() => killTree(pid)),
        args: ports[index] === undefined ? [] : ['--listen', `127.0.0.1:${ports[index]}`],
        config: { workers: 1, rate_limits: [{ scope: 'api_key', limit: 10_000_000, window: '1m' }], log: { level: 'warn' }, ...config },
      });
      const port = ports[index];
      if (port === undefined) return started;
      // Where all are known by one address, each is reached by its own.
      const url = `http://127.0.0.1:${port}`;
      return { ...started, url, port, mcp: `${url}/mcp` };
    };
    // The first makes the tables and the key.
    const first = await launch(0);
    const running = [first, ...(await Promise.all(Array.from({ length: nodesCount - 1 }, (_, index) => launch(index + 1))))];
    return {
      running,
      admin: first.apiKey ?? '',
      postgres,
      registryUrl,
      redis,
      link,
      start: async (index) => void (running[index] = await launch(index)),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
