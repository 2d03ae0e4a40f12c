import cluster, { type Worker } from 'node:cluster';
import { extname, join } from 'node:path';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { listenFault } from '../kernel/listen-fault.ts';
import type { Log } from '../kernel/log.ts';
import type { DoorTls } from '../listener/secure-server.ts';
import type { LeaseRecall, LeaseReturn } from '../limit/lease.ts';
import type { ToolFacts } from '../kernel/tool-facts.ts';
import { childEnvironment } from '../process/child-environment.ts';
import { whenGone } from '../process/keep-process.ts';
import type { OrganizationRules, SnapshotData } from '../snapshot/snapshot.ts';
import type { TargetOrder } from '../snapshot/upstream-data.ts';
import { openChannel, type Channel } from './channel.ts';
import { createSnapshotFeed } from './snapshot-feed.ts';
import type { StateHandlers } from './state-handlers.ts';
import { workerEnvironment } from './worker-environment.ts';
import type { ServerReports, WorkerReport } from './worker-report.ts';
import type { Consulted, ConsultInput, NamedTool, Readiness, SupervisorHandlers, WorkerHandlers, WorkerStart } from './worker-messages.ts';

/** The data-plane workers of this node. One that dies is replaced; what it left in the journal is closed. */
export interface WorkerPool {
  /** Resolves with the port once every worker accepts connections. Faults: `address_in_use`, `address_unusable`. */
  start(): Promise<number>;
  /** Resolves when new calls on every worker go by it. What has changed is told, the whole only where a worker has missed a change. */
  snapshot(data: SnapshotData): Promise<void>;
  /** What is switched off. Resolves when new calls on every worker go by it; waits for no snapshot. */
  switches(rules: readonly OrganizationRules[]): Promise<void>;
  /** Resolves when every worker says so, and goes by all that it was told before. */
  readiness(readiness: Readiness): Promise<void>;
  /** Resolves when new calls of every worker that answers go by them. */
  targetOrders(orders: readonly TargetOrder[]): Promise<void>;
  /** Of every worker that answers in time. */
  serverReports(): Promise<ServerReports>;
  /** What a worker knows of tools, in their order; null: nothing, or no worker answers in time. */
  toolFacts(tools: readonly NamedTool[]): Promise<readonly (ToolFacts | null)[]>;
  /** Asks the policy engine as a call would; null: it is not asked of such operations. Faults: `unavailable` where no worker answers. */
  consult(input: ConsultInput): Promise<Consulted | null>;
  /** Of every worker that answers in time, by its id, which no later one has. */
  reports(): Promise<readonly { readonly worker: number; readonly report: WorkerReport }[]>;
  /** Resolves when no living worker remembers the key. */
  keyChanged(keyId: string): Promise<void>;
  /** Resolves when no worker remembers anyone who signed in without a key, of that organization. */
  tokensChanged(organizationId: string): Promise<void>;
  /** Resolves when new handshakes with every worker go by it. */
  tls(tls: DoorTls): Promise<void>;
  /** The same for all keys. */
  keysChanged(): Promise<void>;
  recallLease(workerId: number, recall: LeaseRecall): Promise<readonly LeaseReturn[]>;
  /** Drains all workers and ends them. */
  stop(graceMs: number): Promise<readonly LeaseReturn[]>;
  readonly journalBlocked: boolean;
}

export interface WorkerPoolOptions {
  readonly count: number;
  /** Of this process; a worker gets of it what `workerEnvironment` leaves. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What a worker begins with; `port` is the one that it listens on, 0 for one that the first of them picks. */
  readonly begin: (workerId: number, port: number) => WorkerStart;
  readonly handlers: StateHandlers &
    Pick<SupervisorHandlers, 'verifyCredential' | 'sessionsRefused' | 'keptNote' | 'keptPut' | 'keptFind'> & {
      lease(workerId: number, input: Parameters<SupervisorHandlers['lease']>[0]): ReturnType<SupervisorHandlers['lease']>;
    };
  readonly onLogLine: (line: string) => void;
  readonly onWorkerGone: (workerId: number, writer: string) => void;
  /** `host:port` as it was asked for, for faults. */
  readonly address: string;
  readonly port: number;
  readonly log: Log;
}

interface Member {
  readonly worker: Worker;
  readonly channel: Channel<WorkerHandlers>;
  readonly gone: Promise<void>;
  /** Empty until it has begun: till then it holds no leases, knows no keys and has written nothing. */
  writer: string;
  listening: boolean;
  journalBlocked: boolean;
  /** That it goes by; null: it is to be told the whole. */
  snapshot: SnapshotData | null;
  /** Set while it is told of newer ones. */
  bringing: Promise<void> | null;
}

const respawnMs = { first: 100, last: 5_000 };
const keyChangedTimeoutMs = 900;
const reportTimeoutMs = 900;
const toldTimeoutMs = 30_000;

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { count, environment, begin, handlers, onWorkerGone, log } = options;
  const members = new Map<number, Member>();
  const feed = createSnapshotFeed();
  let { port } = options;
  /** Workers that ask for port 0 share one socket and its port (node:cluster); when the last of them is gone it is asked for by number. */
  let askedPort = port;
  let stopping = false;
  let respawnDelayMs: number = respawnMs.first;

  // Each worker accepts on the one shared socket itself: the supervisor passes no connections on.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: join(import.meta.dirname, `worker${extname(import.meta.filename)}`), serialization: 'advanced', silent: false });

  /** One of the two is called, once; `onFailed` also where there was no process to be had. */
  function fork(onListening: (port: number) => void, onFailed: (fault: Fault) => void): void {
    let worker: Worker;
    try {
      worker = cluster.fork({ ...workerEnvironment(environment), ...childEnvironment() });
    } catch (error) {
      onFailed(startFault(error instanceof Error ? error.message : String(error)));
      return respawn();
    }
    const { id } = worker;
    worker.on('error', () => undefined);
    const gone = whenGone(worker.process).then((reason) => {
      members.delete(id);
      if (!all().some(({ listening }) => listening)) askedPort = port;
      if (member.writer !== '') onWorkerGone(id, member.writer);
      if (stopping) return;
      log.error('worker.died', { worker: id, reason });
      if (!member.listening) onFailed(startFault(reason));
      respawn();
    });
    const channel = openChannel<WorkerHandlers>(worker, {
      ...handlers,
      begin: () => {
        const start = begin(id, askedPort);
        feed.offer(start.snapshot);
        const snapshot = feed.current ?? start.snapshot;
        member.writer = start.journal.writer;
        member.snapshot = snapshot;
        return { ...start, snapshot };
      },
      lease: (input: Parameters<SupervisorHandlers['lease']>[0]) => handlers.lease(id, input),
      listening: (input: { port: number }) => {
        port = input.port;
        member.listening = true;
        respawnDelayMs = respawnMs.first;
        onListening(input.port);
      },
      listenFailed: (input: { code: string }) => {
        const fault = listenFault(options.address, input);
        log.error('worker.listen_failed', { worker: id, reason: fault.message });
        onFailed(fault);
        worker.kill('SIGKILL');
      },
      doorLetGo: () => undefined,
      logLine: ({ line }: { line: string }) => options.onLogLine(line),
      journalBlocked: ({ blocked }: { blocked: boolean }) => {
        member.journalBlocked = blocked;
      },
    });
    const member: Member = { worker, channel, gone, writer: '', listening: false, journalBlocked: false, snapshot: null, bringing: null };
    // Without a process there is nobody to talk to.
    if (worker.process.pid !== undefined) members.set(id, member);
  }

  function respawn(): void {
    if (stopping) return;
    const again = (): void => {
      if (stopping) return;
      fork(
        () => log.info('worker.replaced'),
        () => undefined,
      );
    };
    setTimeout(again, respawnDelayMs).unref();
    respawnDelayMs = Math.min(respawnDelayMs * 2, respawnMs.last);
  }

  const all = (): Member[] => [...members.values()];
  const knowing = (): Member[] => all().filter(({ writer }) => writer !== '');

  /** A worker that cannot be told may not go on with what it remembers. */
  function mustKnow({ worker, gone }: Member, told: Promise<unknown>): Promise<unknown> {
    return told.catch((error: unknown) => {
      if (!worker.isDead()) log.error('worker.unresponsive', { worker: worker.id, error });
      worker.kill('SIGKILL');
      return gone;
    });
  }

  /** One that has not begun yet begins with what is new, or hears of it before it does. */
  async function told(tell: (channel: Channel<WorkerHandlers>) => Promise<unknown>): Promise<void> {
    await Promise.all(
      all().map(async (member) => {
        const heard = tell(member.channel);
        if (member.writer === '') void heard.catch(() => undefined);
        else await mustKnow(member, heard);
      }),
    );
  }

  /** Tells a worker of the newest snapshot; of those that come meanwhile it hears as of one. */
  async function bring(member: Member): Promise<void> {
    try {
      while (member.snapshot !== feed.current) {
        const target = feed.current;
        if (await member.channel.ask('snapshot', feed.updateFrom(member.snapshot), toldTimeoutMs)) member.snapshot = target;
        else if (member.snapshot === null) throw new Error('it does not take a whole snapshot');
        else member.snapshot = null;
      }
    } finally {
      member.bringing = null;
    }
  }

  // Whoever ends at once, as at an interrupt while it starts, takes its workers along: they would only find their channel
  // closed, some before they can handle that.
  const killAll = (): void => all().forEach(({ worker }) => worker.process.kill('SIGKILL'));
  process.once('exit', killAll);

  return {
    async start() {
      const startOne = (): Promise<number> => new Promise((resolve, reject) => fork(resolve, reject));
      try {
        await Promise.all(Array.from({ length: count }, startOne));
        return port;
      } catch (error) {
        stopping = true;
        killAll();
        throw error;
      }
    },
    async snapshot(data) {
      feed.offer(data);
      // One that has not begun begins with it.
      const behind = knowing().filter((member) => member.snapshot !== feed.current);
      await Promise.all(behind.map((member) => mustKnow(member, (member.bringing ??= bring(member)))));
    },
    switches: (rules) => told((channel) => channel.ask('switches', rules, toldTimeoutMs)),
    tls: (tls) => told((channel) => channel.ask('tls', tls, toldTimeoutMs)),
    async readiness(readiness) {
      // One that does not answer is told again with the next change, or replaced.
      await Promise.all(all().map(({ channel }) => channel.ask('readiness', readiness).catch(() => undefined)));
    },
    async keyChanged(keyId) {
      await Promise.all(knowing().map((member) => mustKnow(member, member.channel.ask('keyChanged', { keyId }, keyChangedTimeoutMs))));
    },
    tokensChanged: (organizationId) => told((channel) => channel.ask('tokensChanged', { organizationId }, keyChangedTimeoutMs)),
    async targetOrders(orders) {
      // One that does not answer is told again with the next change, or replaced.
      await Promise.all(all().map(({ channel }) => channel.ask('targetOrders', orders).catch(() => undefined)));
    },
    async serverReports() {
      const reports = await Promise.all(knowing().map(({ channel }) => channel.ask('serverReports', null, reportTimeoutMs).catch(() => null)));
      const known = reports.filter((report) => report !== null);
      return { targets: known.flatMap(({ targets }) => targets), lists: known.flatMap(({ lists }) => lists) };
    },
    async toolFacts(tools) {
      const [member] = knowing();
      const nothing = tools.map(() => null);
      if (member === undefined || tools.length === 0) return nothing;
      return member.channel.ask('toolFacts', { tools }, bounds.listedToolsWaitMs + reportTimeoutMs).catch(() => nothing);
    },
    async consult(input) {
      const [member] = knowing();
      if (member === undefined) throw new Fault('unavailable', { reason: 'no worker is ready' });
      return member.channel.ask('consult', input, bounds.opaThreadStartMs + reportTimeoutMs).catch((error: unknown) => {
        throw new Fault('unavailable', { reason: 'no worker answers in time' }, { cause: error });
      });
    },
    async reports() {
      const reports = await Promise.all(
        knowing().map(({ worker, channel }) =>
          channel.ask('report', null, reportTimeoutMs).then(
            (report) => ({ worker: worker.id, report }),
            () => null,
          ),
        ),
      );
      return reports.filter((report) => report !== null);
    },
    async keysChanged() {
      await Promise.all(knowing().map((member) => mustKnow(member, member.channel.ask('keysChanged', null, keyChangedTimeoutMs))));
    },
    async recallLease(workerId, recall) {
      const member = members.get(workerId);
      return member ? member.channel.ask('recallLease', recall) : [];
    },
    async stop(graceMs) {
      stopping = true;
      const returned = await Promise.all(
        all().map(async ({ channel, worker, gone }) => {
          const leases = await channel.ask('drain', { graceMs }, graceMs + 3_000).catch((): readonly LeaseReturn[] => []);
          worker.kill('SIGKILL');
          await gone;
          return leases;
        }),
      );
      process.off('exit', killAll);
      return returned.flat();
    },
    get journalBlocked() {
      return all().some((member) => member.journalBlocked);
    },
  };
}

function startFault(reason: string): Fault {
  return new Fault('internal_error', {}, { cause: new Error(`a worker ended before it listened (${reason})`) });
}
