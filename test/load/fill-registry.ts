/** The embedded registry of a gateway that is stopped, for benches: what would take an hour through the API is put there at once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import { clientConfig, type RegistryAddress } from '../../packages/gateway/src/store/registry/connections.ts';
import { startEmbeddedRegistry } from '../../packages/gateway/src/store/registry/embedded-registry.ts';

/** `then` has the engine for itself when the client is closed. */
export async function fillRegistry<Result>(
  stateFolder: string,
  fill: (client: Client) => Promise<void>,
  then: (address: RegistryAddress) => Promise<Result>,
): Promise<Result> {
  const sockets = mkdtempSync(join(tmpdir(), 'gwo-pg-'));
  const engine = await startEmbeddedRegistry({ folder: join(stateFolder, 'registry'), socketPath: join(sockets, '.s.PGSQL.5432'), log: silentLog });
  try {
    const client = new Client(clientConfig(engine.address));
    await client.connect();
    await fill(client);
    await client.end();
    return await then(engine.address);
  } finally {
    await engine.close();
    rmSync(sockets, { recursive: true, force: true });
  }
}
