/** A data-plane worker process: begins when the supervisor says with what, ends when it says so or is gone. */
import cluster from 'node:cluster';
import { assembleWorker, type Door } from '../assemble-worker.ts';
import { keepOutOfCoreFiles } from '../process/core-files.ts';
import { createLog } from './create-log.ts';
import { createProcessReport } from './process-report.ts';
import { watchSharedDoor } from './shared-door.ts';
import { openChannel, type Endpoint } from './channel.ts';
import type { SupervisorHandlers, WorkerHandlers } from './worker-messages.ts';
import type { DoorReport } from './worker-report.ts';

const journalCheckMs = 500;
const letGoTimeoutMs = 500;
/** A supervisor that starts on a busy machine may take its time to answer. */
const beginTimeoutMs = 60_000;
const nothingYet: DoorReport = { connections: 0, callsOpen: 0, rejected: {}, bodiesDropped: {}, catalogues: [], targets: [], consultant: null };

async function runWorker(): Promise<void> {
  keepOutOfCoreFiles();
  let door: Door | null = null;
  const letGoOfDoor = watchSharedDoor(process);
  const processReport = createProcessReport();
  const begun = Promise.withResolvers<Door>();
  const handlers: WorkerHandlers = {
    // What is told while this worker begins may be newer than what it begins with.
    snapshot: async (update) => (await begun.promise).takeSnapshot(update),
    switches: async (rules) => (await begun.promise).setSwitches(rules),
    readiness: async (readiness) => (await begun.promise).setReadiness(readiness),
    targetOrders: async (orders) => (await begun.promise).setTargetOrders(orders),
    serverReports: () => door?.serverReports() ?? { targets: [], lists: [] },
    toolFacts: async ({ tools }) => (await begun.promise).notMade.toolFacts(tools),
    consult: async (input) => (await begun.promise).notMade.consult(input),
    report: () => ({ ...processReport(), ...(door?.report() ?? nothingYet) }),
    // A worker that has not begun knows no keys and holds no leases.
    keyChanged: ({ keyId }) => {
      door?.authenticator.drop(keyId);
      door?.limiter.forget(keyId);
      door?.recheck(keyId);
    },
    tokensChanged: ({ organizationId }) => {
      door?.authenticator.dropTokens(organizationId);
      door?.recheck(null);
    },
    tls: async (tls) => (await begun.promise).setTls(tls),
    keysChanged: () => {
      door?.authenticator.dropAll();
      door?.recheck(null);
    },
    recallLease: async (recall) => door?.limiter.recall(recall) ?? [],
    drain: async ({ graceMs }) => {
      letGoOfDoor();
      await supervisor.ask('doorLetGo', null, letGoTimeoutMs).catch(() => undefined);
      await door?.drain(graceMs);
      const leases = door?.limiter.returnAll() ?? [];
      await door?.close();
      return leases;
    },
  };
  const supervisor = openChannel<SupervisorHandlers>(process as unknown as Endpoint, handlers);
  // Without a supervisor nobody revokes keys or keeps the journal's reader alive.
  process.on('disconnect', () => process.exit(1));
  // A terminal sends its signals to the whole group: the supervisor decides how its workers end.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('SIGHUP', () => undefined);

  const start = await supervisor.ask('begin', null, beginTimeoutMs);
  const log = createLog(start.log, { worker: cluster.worker?.id ?? 0 }, start.tellsLines ? (line) => supervisor.tell('logLine', { line }) : undefined);
  door = assembleWorker(start, supervisor, log);
  begun.resolve(door);
  let blocked = false;
  setInterval(() => {
    if (door === null || door.journalBlocked() === blocked) return;
    blocked = !blocked;
    supervisor.tell('journalBlocked', { blocked });
  }, journalCheckMs).unref();
  process.on('uncaughtException', (error) => {
    log.error('worker.crashed', { reason: error.stack ?? error.message });
    process.exit(70);
  });
  door.server.on('error', (error: NodeJS.ErrnoException) => supervisor.tell('listenFailed', { code: error.code ?? error.message }));
  door.server.listen({ host: start.host, port: start.port, backlog: 1024 }, () => {
    const address = door?.server.address();
    supervisor.tell('listening', { port: typeof address === 'object' && address ? address.port : start.port });
  });
}

await runWorker();
