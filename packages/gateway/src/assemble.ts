/**
 * Puts a node together: stores (`assemble-stores.ts`), bridges, control plane, telemetry, workers. Beside `assemble-worker.ts` the only file
 * that constructs things; read it to see the whole machine. Each part is constructed once, in the order in which it is
 * needed, and handed to whoever stands on it.
 */
import { isDeepStrictEqual } from 'node:util';
import { createScheduledBackups } from './jobs/backups/scheduled-backups.ts';
import { createExportFiles } from './jobs/export-files.ts';
import { createApi } from './api/app.ts';
import { openBodies } from './assemble-bodies.ts';
import { startChores } from './assemble-chores.ts';
import { serveControl } from './api/serve-control.ts';
import { backupDesk, createConfigCompiler, followFile, sealerOf, sessionKeysOf, targetOf } from './assemble-configuration.ts';
import { certificateState, createDoor, watchCertificate } from './assemble-door.ts';
import { assembleAccess, engineProbes, type AssembledAccess } from './assemble-access.ts';
import { createKeyNews, createKnownKeys } from './assemble-known-keys.ts';
import { createReadiness } from './assemble-readiness.ts';
import { assembleProviders } from './assemble-providers.ts';
import { assembleTelemetry } from './assemble-telemetry.ts';
import { assembleRegistry } from './assemble-registry.ts';
import { openLedgerOf, openStateOf, recordProbe, servePrices, storeProbes } from './assemble-stores.ts';
import { assembleCertificates } from './assemble-certificates.ts';
import { assembleIdentity, issuersProbes } from './assemble-identity.ts';
import { assembleObjects, type AssembledObjects, type LoadedConfig } from './assemble-objects.ts';
import { assembleOrders, type AssembledOrders } from './assemble-orders.ts';
import { readEnvironment } from './config/environment.ts';
import { listenAddressText } from './config/listen-address.ts';
import { reloadConfig } from './control/config/reload-config.ts';
import { systemContext } from './control/actor.ts';
import type { ControlDependencies } from './control/context.ts';
import { firstStart } from './control/first-start.ts';
import { recordFilePrices } from './control/prices/record-file-prices.ts';
import type { HealthProbe } from './control/health/read-health.ts';
import { createSecretHasher } from './control/keys/hash-secret.ts';
import { createOauthDesk } from './control/oauth/oauth-desk.ts';
import { noteRefusedSessions } from './control/audit/note-refused-sessions.ts';
import { judgeSecret } from './control/keys/verify-key.ts';
import { createWrongKeys } from './control/keys/wrong-keys.ts';
import { verifyCredential } from './control/sign-in/verify-credential.ts';
import { createKeptLists } from './fabric/kept-lists.ts';
import { bounds } from './kernel/bounds.ts';
import { neverBack, systemClock } from './kernel/clock.ts';
import { Fault } from './kernel/fault.ts';
import { defaultOrganizationId } from './kernel/id.ts';
import { createLeaseBroker, type LeaseBroker } from './limit/lease-broker.ts';
import { startBridges, type Bridges } from './node/bridges.ts';
import type { AssembledNode, NodeOptions } from './node/assembled-node.ts';
import { createClosers, type Closers } from './node/closers.ts';
import { configurationState, createServedConfig, type PreparedConfig } from './node/served-config.ts';
import { stateHandlers } from './node/state-handlers.ts';
import { watchRegistry } from './node/watch-registry.ts';
import { createWorkerPool } from './node/worker-pool.ts';
import type { WorkerStart } from './node/worker-messages.ts';
import { mcpActions } from './protocol/methods.ts';
import { modernVersions } from './protocol/versions.ts';
import { withOrders } from './snapshot/server-order.ts';
import { ownUrl } from './snapshot/snapshot-of-config.ts';
import type { SnapshotData } from './snapshot/snapshot.ts';
import { createLedgerReader, type LedgerReader } from './store/ledger/ledger-reader.ts';
import { createMemoryTokens } from './store/state/memory-tokens.ts';
import type { StateStore } from './store/state/state-store.ts';
import { createTap } from './telemetry/tap.ts';
import { tokenizerName } from './tokens/tokenizer-name.ts';
import { createHealthChecks } from './upstream/health-checks.ts';
import { createTargetOrders } from './upstream/target-orders.ts';

/** What opens while the door is open already. */
interface Opened {
  readonly dependencies: ControlDependencies;
  readonly state: StateStore;
  readonly broker: LeaseBroker;
}

const readinessMs = 250;
/** A changed server is not called before its new program has come up, for so long at most. */
const bridgeUpMs = 20_000;
const registryPingMs = 1_000;
/** With the drain before it and the closing behind it, a stop is over within 30 s. */
const flushOnStopMs = 3_000;

/** Faults: those of the parts: `state_broken`, `address_in_use`, `address_unusable`, `permission_denied`, `unsafe_start`, `unavailable`. */
export async function assembleNode(options: NodeOptions): Promise<AssembledNode> {
  const closers = createClosers(options.log);
  try {
    return await assemble(options, closers);
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

async function assemble({ config, loader, folder, log, lines, onProgress }: NodeOptions, closers: Closers): Promise<AssembledNode> {
  const clock = systemClock;
  const expiryClock = neverBack(clock);
  const { paths } = folder;
  // Before anything starts: a folder that is broken is refused at once.
  const environment = readEnvironment();
  const keys = sessionKeysOf(config, folder, environment, log);
  let port = config.listen.port;
  let stopping = false;
  let bridges: Bridges | null = null;

  // Stores. The ledger opens while the rest goes on: the door does not wait for it.
  const tap = createTap(log.child({ part: 'telemetry' }));
  const stores = { config, folder, tap, clock, log, closers };
  const { ledger, drain, chain } = openLedgerOf(stores);
  const ledgerReader = createLedgerReader(ledger);
  const readLedger = (): LedgerReader | null => (ledger.state() === 'opening' ? null : ledgerReader);
  const telemetry = assembleTelemetry({ config, served: () => served.config, environment, tap, drain, node: folder.node, clock, log, lines, closers });
  const bodies = openBodies({ config, folder, ledger, drain, tap, log, closers });
  const recordBlocked = (): boolean => drain.status().overBound || pool.journalBlocked;
  const serverState = (name: string): { state: 'ready' | 'starting' | 'failed' | 'unknown'; reason: string | null } =>
    served.config.servers.some((server) => server.name === name && server.transport !== 'http')
      ? (bridges?.state(name) ?? { state: 'starting', reason: null })
      : { state: 'unknown', reason: null };
  const compiler = createConfigCompiler({ env: environment, paths, node: folder.node, organizationId: defaultOrganizationId });
  /** What serves now; a reload puts another in its place. */
  let served = compiler.compile(config, null);
  let text = loader.read();
  /** Null until the registry has been read. */
  let objects: AssembledObjects | null = null;
  const prices = servePrices(stores, () => serveAnew());
  let snapshotVersion = 0;
  /** Null until the registry is open. */
  let serverOrders: AssembledOrders | null = null;
  let access: AssembledAccess | null = null;
  const compile = (): SnapshotData =>
    withOrders(served.snapshot(++snapshotVersion, port, prices.served(), access?.policies() ?? [], access?.others() ?? []), serverOrders?.all() ?? []);
  let snapshot = compile();
  async function serveAnew(): Promise<void> {
    snapshot = compile();
    await pool.snapshot(snapshot);
  }
  const door = createDoor(() => served.door);
  let registryUp = false;
  const readiness = createReadiness({
    isRegistryUp: () => registryUp,
    isBlocked: recordBlocked,
    isStopping: () => stopping,
    viewAgeMs: () => access?.ageMs() ?? null,
    ledger: () => ledger.state(),
    servers: () => served.config.servers.map((server) => serverState(server.name).state),
    tell: (next) => pool.readiness(next),
    log,
  });

  const health = createHealthChecks({
    clock,
    version: modernVersions[0] ?? '',
    onChange(server, target, { healthy, reason }) {
      if (healthy) log.info('target.well', { server, target });
      else log.warn('target.down', { server, target, reason });
      void pool.targetOrders(orders.all());
    },
  });
  closers.add('health checks', () => health.close());
  const orders = createTargetOrders(health);
  const keptLists = createKeptLists();
  const identity = assembleIdentity(served.issuers, clock, log);
  const certificates = assembleCertificates(served.authorities, expiryClock);
  const endExpiryWatches = [watchCertificate(() => served, clock, log), certificates.watch(log)];

  // The rail's workers open the door at once and say by /readyz what is missing: what they ask for waits until it is open.
  const opened = Promise.withResolvers<Opened>();
  const pool = createWorkerPool({
    count: config.workers,
    environment,
    begin: (workerId, listenPort): WorkerStart => ({
      snapshot,
      switches: access?.switchRules() ?? [],
      host: config.listen.host,
      port: listenPort,
      tls: door.tls(),
      journal: { folder: paths.journal, writer: `${folder.boot}-${workerId}`, sync: config.journal.sync },
      keys,
      controlSocket: paths.controlSocket,
      maskingSocket: paths.maskingSocket,
      workers: config.workers,
      log: config.log,
      tellsLines: telemetry.exportsLines,
      readiness: readiness.now(),
      targetOrders: orders.all(),
    }),
    handlers: {
      verifyCredential: async (shown) => verifyCredential((await opened.promise).dependencies, shown),
      sessionsRefused: (refusals) => void opened.promise.then(({ dependencies }) => noteRefusedSessions(dependencies.audit, refusals)),
      lease: async (workerId, request) => (await opened.promise).broker.lease(workerId, request),
      keptNote: keptLists.note,
      keptPut: keptLists.put,
      keptFind: keptLists.find,
      ...stateHandlers(async () => (await opened.promise).state),
    },
    onLogLine: (line) => lines.write(line),
    onWorkerGone: (workerId, writer) => {
      drain.writerClosed(writer);
      void opened.promise.then(({ broker }) => broker.workerGone(workerId));
    },
    address: listenAddressText(config.listen),
    port: config.listen.port,
    log: log.child({ part: 'workers' }),
  });
  closers.add('workers', () => pool.stop(0));
  const listening = pool.start();
  // Whoever fails first is reported; a worker ended by that failure is no second one.
  listening.catch(() => undefined);

  onProgress('opening the registry');
  const { registry, audit, streams } = await assembleRegistry({ ...stores, served: () => served.config, calls: chain, ledger: readLedger });
  serverOrders = await assembleOrders({ registry, orders, pool, config: () => served.config, serveAnew, log, closers });
  const knownKeys = createKnownKeys((secret) => judgeSecret(dependencies, secret), expiryClock);
  const { keyChanged, forget } = createKeyNews(knownKeys, telemetry.live, pool);
  const hasEngine = (): boolean => served.opa !== null;
  const forgetTokens = async (organizationId: string): Promise<void> => {
    if (served.issuers.length + served.authorities.length > 0) await pool.tokensChanged(organizationId);
  };
  access = await assembleAccess({ registry, serveAnew, ofFile: () => served.config.policies, forget, forgetTokens, pool, hasEngine, clock, log, closers });
  // Before anybody is let in.
  await Promise.all([pool.switches(access.switchRules()), serveAnew()]);
  const state = await openStateOf({ ...stores, clock: expiryClock });

  // Control plane.
  const publicUrl = (): string => ownUrl(served.config.listen, port);
  const prepare = (next: LoadedConfig): PreparedConfig => {
    const { compiled, change } = compiler.recompile(next.config, served);
    return {
      change,
      note: () => void (text = next.text),
      async apply() {
        if (stopping) throw new Fault('draining');
        // What was revoked is not let in while the rest is on its way.
        for (const organizationId of certificates.configure(compiled.authorities)) await pool.tokensChanged(organizationId);
        const { pricing, retention, record } = next.config;
        if (pricing !== null) await recordFilePrices(systemContext(dependencies), pricing);
        const replaced = await bridges?.replace(compiled.bridges, bridgeUpMs);
        const isNewDoor = !isDeepStrictEqual(served.door, compiled.door);
        // Before any body of a call by the new configuration can come to it.
        await bodies.masking.setRules(record.masking);
        text = next.text;
        served = compiled;
        identity.configure(compiled.issuers);
        const tls = isNewDoor ? door.renewed() : null;
        if (tls !== null) await pool.tls(tls);
        await prices.configure(pricing);
        await serveAnew();
        orders.serve(snapshot.servers);
        await pool.targetOrders(orders.all());
        await streams.configure(compiled.streams);
        ledger.retain(retention);
        // What workers know of a caller holds its rate limit, and what its issuer may say.
        if (change.settings.some((setting) => setting === 'rate_limits' || setting.startsWith('identity'))) await forget(null);
        replaced?.retireOthers(bounds.drainGraceMs);
      },
    };
  };
  const configuration = createServedConfig({
    file: config.file,
    load(): LoadedConfig {
      const onDisk = loader.read();
      return { text: onDisk, config: loader.load(onDisk, objects?.serving() ?? []) };
    },
    prepare,
    clock,
    log,
  });
  const exportFiles = createExportFiles({ folder: paths.exports, clock, log: log.child({ part: 'exports' }) });
  closers.add('exports', () => exportFiles.close());
  const backups = createScheduledBackups({ plan: () => served.config.backup, clock, context: () => systemContext(dependencies) });
  closers.add('backups', () => backups.stop());
  const providers = assembleProviders(() => served.providers, clock);
  const fixedProbes: readonly HealthProbe[] = [
    ...storeProbes({ registry, state, ledger }),
    recordProbe({ drain, isBlocked: recordBlocked, spoolBytesMax: () => served.config.journal.spoolBytesMax }),
    bodies.probe,
    ...(served.door === null ? [] : [{ name: 'certificate', required: false, check: () => certificateState(served, clock.nowMs()) }]),
    { name: 'configuration', required: false, check: () => configurationState(configuration.state(), objects?.desk.resting() ?? new Map()) },
  ];
  const dependencies: ControlDependencies = {
    registry,
    ledger: readLedger,
    state,
    get config() {
      return served.config;
    },
    configuration,
    get objects() {
      // Nothing asks before the door to the control plane is open.
      if (objects === null) throw new Fault('unavailable', { reason: 'the registry is being read' });
      return objects.desk;
    },
    mcpActions,
    secrets: createSecretHasher(config.keys.bcryptCost),
    knownKeys,
    wrongKeys: createWrongKeys({ state, clock, log }),
    issuers: identity,
    certificates,
    answerKey: keys.seal[0] ?? folder.secret('seal'),
    // A whole client of MCP, for what is seldom asked.
    testServer: async (name, target) => (await import('./control/servers/run-server-test.ts')).runServerTest(targetOf(snapshot, name, target)),
    masking: bodies.masking,
    providers,
    serverState,
    upstreams: serverOrders.desk,
    audit,
    streams,
    exports: exportFiles,
    backup: backupDesk(paths, () => served.config),
    backups,
    access,
    oauth: createOauthDesk({ registry, sealer: sealerOf(keys), node: folder.node, clock }),
    prices,
    tokens: { name: tokenizerName, count: async (text) => (await import('./tokens/count-tokens.ts')).countTokens(text) },
    probes: () => [
      ...fixedProbes,
      ...issuersProbes(served.issuers, identity),
      ...engineProbes(served.opa, pool),
      ...streams.probes(),
      ...backups.probes(),
      ...providers.probes(),
      ...certificates.probes(),
    ],
    figures: telemetry.figures({
      workers: () => pool.reports(),
      recordBlocked,
      bodiesGone: () => bodies.gone(),
      configVersion: () => configuration.state().version,
    }),
    exposition: telemetry.exposition,
    live: telemetry.live,
    publicUrl,
    notify: { keyChanged },
    clock,
    expiryClock,
    log,
  };
  const api = createApi(dependencies);
  // Before anybody is let in.
  objects = await assembleObjects({ registry, loader, compiler, text: () => text, served: () => served, prepare, configuration, log, closers });

  const broker = createLeaseBroker({
    state,
    local: config.stores.redisUrl === null ? null : createMemoryTokens(),
    recall: (workerId, recall) => pool.recallLease(workerId, recall),
    clock: expiryClock,
    log,
  });

  onProgress('opening the door');
  const adminServer = await serveControl(api, paths.adminSocket, 'admin');
  closers.add('admin socket', () => adminServer.close());
  const controlServer = await serveControl(api, paths.controlSocket, 'public');
  closers.add('control socket', () => controlServer.close());
  // Before the first key is verified: a call names the version that it was priced by.
  if (config.pricing !== null) await recordFilePrices(systemContext(dependencies), config.pricing);
  await prices.follow(registry.prices, config.stores.databaseUrl !== null);
  opened.resolve({ dependencies, state, broker });
  await telemetry.open(dependencies);
  registryUp = true;
  port = await listening;
  // Programs behind bridges take their time to start; the door does not wait for them, nor do they slow it.
  bridges = startBridges({
    bridges: served.bridges,
    log: log.child({ part: 'bridge' }),
  });
  closers.add('bridges', () => bridges?.stop());
  // Port 0 is known only now, and the served Host names hold it.
  await serveAnew();
  orders.serve(snapshot.servers);

  const readinessTimer = setInterval(() => void readiness.push(), readinessMs);
  const endRegistryWatch = watchRegistry({ ping: () => registry.ping(), onChange: (isUp) => (registryUp = isUp), log, everyMs: registryPingMs });
  closers.add('readiness', () => {
    for (const end of endExpiryWatches) end();
    clearInterval(readinessTimer);
    endRegistryWatch();
  });

  await streams.configure(served.streams);
  const first = await firstStart(systemContext(dependencies));
  startChores(
    (organizationId) => systemContext(dependencies, organizationId),
    () => served.config.audit.retentionDays,
    backups,
    closers,
  );
  const { reload, watch } = followFile({
    file: config.file,
    served: () => served.config,
    text: () => text,
    reload: () => reloadConfig(systemContext(dependencies), { dryRun: false }),
    onAnother: objects.fileChanged,
  });
  closers.add('file watch', () => watch.close());
  // Whoever is told that it is ready finds it so.
  await readiness.push();
  return {
    url: publicUrl(),
    first,
    reload,
    async stop(graceMs) {
      stopping = true;
      watch.close();
      void readiness.push();
      // An open stream would hold up the end of the worker that it goes through.
      telemetry.live.end(null);
      try {
        await broker.giveBack(await pool.stop(graceMs));
        await Promise.all([drain.flush(flushOnStopMs), bodies.finish(flushOnStopMs), bridges?.stop()]);
      } finally {
        await closers.closeAll();
      }
    },
  };
}
