/** A ledger with a month of generated calls that ends now, laid into a state folder before a gateway is started on it. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import { openLedger } from '../../packages/gateway/src/store/ledger/open-ledger.ts';
import { createRollups } from '../../packages/gateway/src/store/ledger/rollups.ts';
import { until } from '../support/poll.ts';
import { generatedCalls } from './generated-calls.ts';

const organization = 'org_default';
const days = 30;
const day = 86_400_000;
/** A statement has the memory that the gateway's have. */
const rowsAStatement = 100_000;

/** @returns the hexadecimal id of a trace of `spans` calls within the last hour */
export async function fillMonth(stateFolder: string, calls: number, spans: number): Promise<string> {
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  const socketPath = join(tmpdir(), `gwo-fill-${process.pid}.sock`);
  const store = openLedger({ at: { folder: join(stateFolder, 'ledger'), socketPath }, retentionDays: 90, log: silentLog });
  try {
    await until(() => store.state() === 'ready', { what: 'the embedded ledger', timeoutMs: 120_000 });
    const nowMs = Date.now();
    const aDay = Math.floor(calls / days);
    for (let index = 0; index < days; index += 1)
      for (let done = 0; done < aDay; done += rowsAStatement) {
        const start = Math.floor((nowMs - (days - index) * day) / 1000);
        await store.command(generatedCalls(organization, index * aDay + done, Math.min(rowsAStatement, aDay - done), start), {});
      }
    const trace = randomBytes(16).toString('hex');
    await store.command(
      `INSERT INTO calls SELECT * REPLACE ('${trace}' AS trace_id, fromUnixTimestamp64Micro(toInt64(${nowMs - 1_800_000}000) + toInt64(rowNumberInAllBlocks()) * 25000, 'UTC') AS started_at)
       FROM (SELECT * FROM calls LIMIT ${spans})`,
      {},
    );
    const rollups = createRollups(store);
    for (const name of ['day', 'minute', 'calls-of-day'] as const)
      for (const { startMs } of await rollups.listStale(name, 1_000))
        if (startMs < Math.floor(nowMs / day) * day && (name !== 'minute' || startMs >= nowMs - 2 * day))
          await rollups.seal(name, startMs, BigInt(Date.now()) * 1000n);
    return trace;
  } finally {
    await store.close();
    rmSync(socketPath, { force: true });
  }
}
