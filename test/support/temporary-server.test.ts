import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';
import { describeWith } from './requires.ts';

describeWith('postgres', 'a temporary PostgreSQL', () => {
  test('answers queries and leaves no process behind', async () => {
    const postgres = await startPostgres();
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    const { rows } = await client.query<{ sum: number }>('select 1 + 1 as sum');
    await client.end();
    await postgres.stop();
    expect(rows).toEqual([{ sum: 2 }]);
    expect(existsSync(`/proc/${postgres.pid}`)).toBe(false);
  });
});

describeWith('redis-server', 'a temporary Redis', () => {
  test('accepts connections and leaves no process behind', async () => {
    const redis = await startRedis();
    const { hostname, port } = new URL(redis.url);
    const opened = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: hostname, port: Number(port) }, () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    await redis.stop();
    expect(opened).toBe(true);
    expect(existsSync(`/proc/${redis.pid}`)).toBe(false);
  });
});
