/**
 * What listens to the calls of this node beside the ledger, and the figures that it makes of them. Part of `assemble.ts`, in a file of
 * its own because all of it hangs together and little of the rest hangs on it.
 */
import { hostname } from 'node:os';
import { serveMetrics } from './api/serve-metrics.ts';
import type { Config } from './config/config.ts';
import type { OtlpConfig } from './config/otlp-config.ts';
import type { Environment } from './config/environment.ts';
import { isLoopback, listenAddressText } from './config/listen-address.ts';
import { resolveOtlpHeaders } from './config/secrets.ts';
import type { ControlDependencies } from './control/context.ts';
import type { NodeFigures } from './control/metrics/node-figures.ts';
import { createNodeMetrics } from './control/metrics/read-node-metrics.ts';
import type { Clock } from './kernel/clock.ts';
import type { Log } from './kernel/log.ts';
import { Refusals } from './kernel/refusals.ts';
import type { Closers } from './node/closers.ts';
import type { LineRelay } from './node/line-relay.ts';
import { packageVersion } from './node/package-version.ts';
import { createProcessReport } from './node/process-report.ts';
import { methodLabel } from './protocol/methods.ts';
import type { Drain } from './telemetry/drain.ts';
import { createLiveFeed, type LiveFeed } from './telemetry/live/live-feed.ts';
import { createExposition, type Exposition } from './telemetry/metrics/exposition.ts';
import { startOtlpExport, type OtlpExport } from './telemetry/otlp/start-export.ts';
import type { Tap } from './telemetry/tap.ts';

export interface TelemetryOptions {
  /** As the node was started with it. */
  readonly config: Config;
  /** The one that serves now. */
  readonly served: () => Config;
  readonly environment: Environment;
  readonly tap: Tap;
  readonly drain: Drain;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What this process and its workers log. */
  readonly lines: LineRelay;
  readonly closers: Closers;
}

/** What only the rest of the node knows. */
export type NodeParts = Pick<NodeFigures, 'workers' | 'recordBlocked' | 'bodiesGone' | 'configVersion'>;

export interface Telemetry {
  readonly exposition: Exposition;
  readonly live: LiveFeed;
  /** Whether lines of the log go anywhere. */
  readonly exportsLines: boolean;
  figures(parts: NodeParts): NodeFigures;
  /** The control plane is there: what needs it can begin. Faults: `address_in_use`, `address_unusable`. */
  open(dependencies: ControlDependencies): Promise<void>;
}

export function assembleTelemetry({ config, served, environment, tap, drain, node, clock, log, lines, closers }: TelemetryOptions): Telemetry {
  const startedMs = clock.nowMs();
  const readNodeMetrics = createNodeMetrics();
  const live = createLiveFeed({ tap, clock });
  closers.add('live streams', () => live.end(null));
  const control = Promise.withResolvers<ControlDependencies>();
  const exposition = createExposition({
    tap,
    toolsMax: () => served().telemetry.metrics.toolsMax,
    methodLabel,
    readNode: async () => readNodeMetrics(await control.promise),
  });
  const exporting = config.telemetry.otlp === null ? null : startExport(config.telemetry.otlp);

  function startExport(otlp: OtlpConfig): OtlpExport {
    const version = packageVersion();
    if (otlp.signals.includes('metrics')) exposition.begin();
    const started = startOtlpExport({
      config: otlp,
      headers: resolveOtlpHeaders(otlp, environment),
      resource: { 'service.name': 'gatewayops', 'service.version': version, 'service.instance.id': node, 'host.name': hostname() },
      version,
      tap,
      readings: () => exposition.readings(),
      startedMs,
      clock,
      log: log.child({ part: 'otlp' }),
    });
    closers.add('otlp', () => started.stop());
    if (otlp.signals.includes('logs')) lines.listen((line) => started.addLine(line));
    log.info('otlp.exporting', { endpoint: new URL(otlp.endpoint).origin, protocol: otlp.protocol, signals: otlp.signals });
    return started;
  }

  const { metrics } = config.listen;
  // Whoever has an address for them wants to know of every call.
  if (metrics !== null) exposition.begin();

  return {
    exposition,
    live,
    exportsLines: config.telemetry.otlp?.signals.includes('logs') === true,
    figures: (parts) => ({
      ...parts,
      supervisor: createProcessReport(),
      drain: () => drain.status(),
      rejected: new Refusals(log, clock),
      tapped: () => ({ failures: tap.failures(), ...live.figures() }),
      exported: () => exporting?.figures() ?? null,
      spoolBytesMax: config.journal.spoolBytesMax,
      workersConfigured: config.workers,
      version: packageVersion(),
      node,
      startedMs,
    }),
    async open(dependencies) {
      control.resolve(dependencies);
      if (metrics === null) return;
      const address = listenAddressText(metrics);
      const server = await serveMetrics(dependencies, { ...metrics, address, requireKey: !isLoopback(metrics.host) });
      closers.add('metrics', () => server.close());
      log.info('metrics.served', { address: listenAddressText({ host: metrics.host, port: server.port }) });
    },
  };
}
