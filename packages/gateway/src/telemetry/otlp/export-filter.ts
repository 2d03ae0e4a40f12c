import type { OtlpFilter } from '../../config/otlp-config.ts';
import type { CallRowReader } from '../call-row-reader.ts';

const spoiled: ReadonlySet<string> = new Set(['error', 'timeout', 'unknown']);

/** Which calls are exported. Of a call no more is decoded than the filter asks for. */
export function createExportFilter({ servers, statuses, sampleRatio, errorsAlways }: OtlpFilter): (row: CallRowReader) => boolean {
  const wantedServers = servers && new Set(servers);
  const wantedStatuses = statuses && new Set(statuses);
  // As OpenTelemetry's TraceIdRatioBased: by bits of the trace's own id, so that all who sample keep the same traces.
  const threshold = Math.floor(sampleRatio * 0x100000000);
  return (row) => {
    if (wantedServers !== null && !wantedServers.has(row.text('server'))) return false;
    if (wantedStatuses !== null && !wantedStatuses.has(row.text('status'))) return false;
    if (sampleRatio >= 1) return true;
    if (errorsAlways && spoiled.has(row.text('status'))) return true;
    return Number.parseInt(row.text('trace_id').slice(-8), 16) < threshold;
  };
}
