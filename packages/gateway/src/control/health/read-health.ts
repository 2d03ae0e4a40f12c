/** The state of everything behind the gateway: each part is asked at the same time and given one second. */
import type { ControlContext } from '../context.ts';
import { listsOf, stateOfServer, targetViews } from '../servers/target-view.ts';

export interface HealthProbe {
  readonly name: string;
  /** Without it the gateway is not ready: it cannot serve a call as promised. */
  readonly required: boolean;
  check(): HealthState | Promise<HealthState>;
}

export interface HealthState {
  readonly state: 'ok' | 'starting' | 'degraded' | 'down';
  /** Why it is not `ok`, for an administrator's eyes; null when it is. */
  readonly reason: string | null;
  /** What is worth knowing of it even so. */
  readonly note?: string;
}

export interface HealthReport {
  /** `ok`: all well; `degraded`: ready, but a part is not well; `unready`: a required part is missing. */
  readonly status: 'ok' | 'degraded' | 'unready';
  readonly dependencies: Readonly<Record<string, HealthState & { readonly required: boolean }>>;
  readonly servers: Readonly<Record<string, { readonly state: string; readonly reason: string | null }>>;
}

const probeTimeoutMs = 1000;

export async function readHealth(context: Pick<ControlContext, 'probes' | 'config' | 'serverState' | 'upstreams' | 'log'>): Promise<HealthReport> {
  const reports = context.upstreams.reports();
  const states = await Promise.all(context.probes().map(async (probe) => [probe.name, { ...(await ask(context, probe)), required: probe.required }] as const));
  const seen = await reports;
  const servers = context.config.servers.map(
    (server) =>
      [
        server.name,
        stateOfServer(context.serverState(server.name), targetViews(server, seen.targets, context.upstreams), listsOf(server, seen.lists)),
      ] as const,
  );
  const unready = states.some(([, { state, required }]) => required && (state === 'down' || state === 'starting'));
  const unwell =
    states.some(([, { state }]) => state !== 'ok') || servers.some(([, { state }]) => state === 'failed' || state === 'degraded' || state === 'starting');
  return {
    status: unready ? 'unready' : unwell ? 'degraded' : 'ok',
    dependencies: Object.fromEntries(states),
    servers: Object.fromEntries(servers.map(([name, { state, reason }]) => [name, { state, reason }])),
  };
}

async function ask(context: Pick<ControlContext, 'log'>, probe: HealthProbe): Promise<HealthState> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<HealthState>((resolve) => {
    timer = setTimeout(() => resolve({ state: 'down', reason: `no answer within ${probeTimeoutMs} ms` }), probeTimeoutMs);
  });
  try {
    return await Promise.race([probe.check(), late]);
  } catch (error) {
    context.log.warn('health.probe_failed', { probe: probe.name, error });
    return { state: 'down', reason: 'it does not answer; the log says more' };
  } finally {
    clearTimeout(timer);
  }
}
