import type { Routing, ServerOrder } from '../../snapshot/server-order.ts';
import type { ServerReports } from '../../node/worker-report.ts';
import type { HealthFinding, TargetOrder } from '../../snapshot/upstream-data.ts';

/** What the running node knows of the targets behind servers, and what can be asked of them. */
export interface UpstreamDesk {
  /** As each worker sees each target that it has used, and each list that it keeps. */
  reports(): Promise<ServerReports>;
  /** What is said of targets beside the configuration. */
  orders(): readonly TargetOrder[];
  /** What active checks found; null where there are none, or not yet. */
  finding(server: string, target: string): HealthFinding | null;
  /** What is asked of a server beside the configuration, or null. */
  asked(server: string): ServerOrder | null;
  /** Which targets of a server take the calls by an order; null: by the configuration alone, or there is no such server. */
  routing(server: string, order: ServerOrder | null): Routing;
  /** What is asked was changed in the registry: resolves when new calls of every worker of this node go by it. Other nodes follow in about a second. */
  refresh(): Promise<void>;
}
