import type { HealthFinding, TargetOrder, TargetReport } from '../../snapshot/upstream-data.ts';

/** What the running node knows of the targets behind servers, and what can be asked of them. */
export interface UpstreamDesk {
  /** As each worker sees each target that it has used. */
  reports(): Promise<readonly TargetReport[]>;
  /** What is said of targets beside the configuration. */
  orders(): readonly TargetOrder[];
  /** What active checks found; null where there are none, or not yet. */
  finding(server: string, target: string): HealthFinding | null;
  /** Resolves when new calls of every worker go by it. What is left out stays; a weight of null is the configured one. */
  change(server: string, target: string, change: { readonly weight?: number | null; readonly draining?: boolean }): Promise<void>;
}
