import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { ProcessReport } from './worker-report.ts';

const delayResolutionMs = 20;

/** Tells of this process, each time since the time before. Nothing is measured until it is first asked. */
export function createProcessReport(): () => ProcessReport {
  let delays: ReturnType<typeof monitorEventLoopDelay> | null = null;
  let utilization = performance.eventLoopUtilization();

  return () => {
    const { user, system } = process.cpuUsage();
    const since = performance.eventLoopUtilization(utilization).utilization;
    utilization = performance.eventLoopUtilization();
    const report: ProcessReport = {
      residentBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      loopUtilization: Number.isFinite(since) ? since : 0,
      loopDelay: delays === null || delays.count === 0 ? null : delaysOf(delays),
    };
    if (delays === null) {
      delays = monitorEventLoopDelay({ resolution: delayResolutionMs });
      delays.enable();
    }
    delays.reset();
    return report;
  };
}

/** The histogram is of the times between timers: what is beyond the resolution is delay. */
function delaysOf(delays: ReturnType<typeof monitorEventLoopDelay>): ProcessReport['loopDelay'] {
  const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - delayResolutionMs / 1e3);
  return { medianSeconds: seconds(delays.percentile(50)), p99Seconds: seconds(delays.percentile(99)), maxSeconds: seconds(delays.max) };
}
