import type { ServerConfig } from '../../config/config.ts';
import type { CatalogueReport } from '../../node/worker-report.ts';
import type { Routing } from '../../snapshot/server-order.ts';
import type { TargetOrder, TargetReport } from '../../snapshot/upstream-data.ts';
import type { ServerState } from '../context.ts';
import type { UpstreamDesk } from './upstream-desk.ts';

/** One target of a server as an administrator sees it. Counts are those of this node since its workers began to use it. */
export interface TargetView {
  readonly name: string;
  /** Without user, query and fragment; of a program its name without arguments: either may hold a secret. */
  readonly address: string;
  readonly role: 'active' | 'standby' | 'canary' | null;
  /** `failing`: its breaker is open at one worker at least; `down`: active checks say so; `unknown`: nobody has asked it yet. */
  readonly state: 'ready' | 'failing' | 'recovering' | 'down' | 'draining' | 'unknown';
  readonly reason: string | null;
  /** As it holds now. */
  readonly weight: number;
  readonly calls: number;
  readonly failures: number;
  readonly retries: number;
  readonly inFlight: number;
  readonly lastFailureAtMs: number | null;
  readonly checkedAtMs: number | null;
}

/** The targets of a server, in the order of the configuration; what is reached through a bridge has one. */
export function targetViews(
  server: ServerConfig,
  reports: readonly TargetReport[],
  desk: Pick<UpstreamDesk, 'orders' | 'finding' | 'asked' | 'routing'>,
  routing: Routing = desk.routing(server.name, desk.asked(server.name)),
): readonly TargetView[] {
  const configured = server.upstream?.targets ?? [];
  const targets = configured.length > 0 ? configured : [{ name: 'main', url: null, weight: 1 }];
  const orders = desk.orders().filter((order) => order.server === server.name);
  return targets.map(({ name, url, weight }): TargetView => {
    const own = reports.filter((report) => report.server === server.name && report.target === name);
    const order = orders.find(({ target }) => target === name);
    const finding = desk.finding(server.name, name);
    const sum = (of: (report: TargetReport) => number): number => own.reduce((total, report) => total + of(report), 0);
    const last = own.toSorted((a, b) => b.lastFailureAtMs - a.lastFailureAtMs)[0];
    const state = stateOf(own, order, finding?.healthy ?? null);
    return {
      name,
      address: url === null ? addressOf(server) : publicPart(url),
      role: configured.length === 0 ? null : roleOf(name, routing),
      state,
      reason: state === 'down' ? (finding?.reason ?? null) : state === 'failing' || state === 'recovering' ? `its last failure was ${last?.lastFailure}` : null,
      weight: order?.weight ?? weight,
      calls: sum(({ calls }) => calls),
      failures: sum(({ failures }) => failures),
      retries: sum(({ retries }) => retries),
      inFlight: sum(({ inFlight }) => inFlight),
      lastFailureAtMs: last === undefined || last.lastFailureAtMs === 0 ? null : last.lastFailureAtMs,
      checkedAtMs: finding?.checkedAtMs ?? null,
    };
  });
}

/** The lists of a server as workers keep them. */
export function listsOf({ name }: Pick<ServerConfig, 'name'>, lists: readonly CatalogueReport[]): readonly CatalogueReport[] {
  return lists.filter(({ server }) => server === name);
}

/**
 * The state of a server by that of its targets, and by its lists where calls go well; that of the bridge before them, where it says that it is not
 * up, says more.
 */
export function stateOfServer(base: ServerState, targets: readonly TargetView[], lists: readonly CatalogueReport[]): ServerState {
  const state = stateByTargets(base, targets);
  if (state.state !== 'ready' && state.state !== 'unknown') return state;
  const cut = lists.find((list) => list.cut !== null);
  return cut === undefined ? state : { state: 'degraded', reason: `its list of ${cut.list} cannot be read whole: ${cut.cut}` };
}

function stateByTargets(base: ServerState, targets: readonly TargetView[]): ServerState {
  const active = targets.find(({ role }) => role === 'active');
  // Whoever stands by takes the calls of an active one that was told to take none.
  const handsOver = active !== undefined && (active.state === 'draining' || active.weight === 0);
  const taking = targets.filter(({ role, weight }) => (role !== 'standby' || handsOver) && weight > 0);
  if (base.state === 'starting' || base.state === 'failed' || taking.length === 0) return base;
  const away = taking.filter(({ state }) => state === 'failing' || state === 'down' || state === 'draining');
  const [first] = away;
  if (first !== undefined) {
    const reason = `${away.map(({ name, state }) => `${name} is ${state}`).join(', ')}${first.reason === null ? '' : `: ${first.reason}`}`;
    return { state: away.length === taking.length ? 'failed' : 'degraded', reason };
  }
  return taking.some(({ state }) => state === 'ready' || state === 'recovering') ? { state: 'ready', reason: null } : base;
}

function stateOf(reports: readonly TargetReport[], order: TargetOrder | undefined, healthy: boolean | null): TargetView['state'] {
  if (order?.draining === true) return 'draining';
  if (healthy === false) return 'down';
  if (reports.some(({ breaker }) => breaker === 'open')) return 'failing';
  if (reports.some(({ breaker }) => breaker === 'half_open')) return 'recovering';
  return healthy === true || reports.some(({ calls, failures }) => calls > failures) ? 'ready' : 'unknown';
}

function roleOf(name: string, { active, canary }: Routing): TargetView['role'] {
  if (active === name) return 'active';
  if (canary?.target === name) return 'canary';
  return active === null ? null : 'standby';
}

export function addressOf(server: ServerConfig): string {
  return server.transport === 'stdio' ? server.command[0] : publicPart(server.url);
}

function publicPart(address: string): string {
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname}`;
}
