import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';

/** What is kept for some time: what it weighs, and what it will weigh once it is as old as it may become. */
export interface KeptSize {
  readonly name: 'traces' | 'metrics' | 'audit';
  readonly keepDays: number;
  readonly bytes: number;
  /** Of a day, by whole days of the last week; null: there is none yet. */
  readonly bytesPerDay: number | null;
}

const dayMs = 86_400_000;

/** Of the whole gateway, which all organizations share. Faults: `unavailable`. */
export async function readSizes(context: ControlContext): Promise<readonly KeptSize[]> {
  const { config, clock, registry, organizationId } = context;
  const nowMs = clock.nowMs();
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const [ledger, audit] = await Promise.all([requireLedger(context).sizes(today), registry.audit.size(organizationId)]);
  const days = { traces: config.retention.tracesDays, metrics: config.retention.metricsDays };
  const auditDays = audit.oldestMs === null ? 0 : (nowMs - audit.oldestMs) / dayMs;
  return [
    ...(['traces', 'metrics'] as const).map((name): KeptSize => {
      const { bytes, recentBytes, recentDays } = ledger.get(name) ?? { bytes: 0, recentBytes: 0, recentDays: 0 };
      return { name, keepDays: days[name], bytes, bytesPerDay: recentDays === 0 ? null : Math.round(recentBytes / recentDays) };
    }),
    // Its rows are not laid out by day: the mean of all its time.
    { name: 'audit', keepDays: config.audit.retentionDays, bytes: audit.bytes, bytesPerDay: auditDays < 1 ? null : Math.round(audit.bytes / auditDays) },
  ];
}
