import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { latencyText, timeText } from './say.ts';
import { table } from './table.ts';
import { parseCount, parseWhen } from './when.ts';

/** Steps that fit beside the figures in a terminal of 120 columns. */
const stepsMax = 30;

export const metrics: Command = async (context) => {
  const { options, out } = context;
  const nowMs = Date.now();
  const from = parseWhen(options.text('since') ?? '1h', nowMs, -1, '--since');
  const to = parseWhen(options.text('until') ?? 'now', nowMs, -1, '--until');
  const by = options.text('by') ?? 'server';
  if (by !== 'server' && by !== 'tool') throw new Fault('usage', { reason: `--by must be server or tool, not "${by.slice(0, 40)}".` });
  const client = openGatewayClient(context);
  const query = {
    start_time: new Date(from).toISOString(),
    end_time: new Date(to).toISOString(),
    query: context.arguments.join(' '),
    by,
    limit: String(parseCount(options.text('limit') ?? '7', 1, 20, '--limit')),
    steps: String(stepsMax),
  };
  const answer = await client.request('GET', '/v1/metrics/series', { query });
  const { groups, period, step_ms: stepMs } = readAnswer(answers.metricSeries, answer, client.where);
  const most = Math.max(...groups.flatMap(({ series }) => series.rate));
  out.list(answer, groups, () =>
    groups.length === 0
      ? `No call from ${timeText(period.start_time)} to ${timeText(period.end_time)} UTC.`
      : table(
          [
            { title: by === 'server' ? 'SERVER' : 'SERVER · TOOL' },
            { title: 'CALLS', align: 'right' },
            { title: 'A SECOND', align: 'right' },
            { title: 'FAILED', align: 'right' },
            { title: 'P50', align: 'right' },
            { title: 'P95', align: 'right' },
            { title: 'P99', align: 'right' },
            { title: `EACH ${stepText(stepMs)}` },
          ],
          groups.map(({ server, tool, calls, rate, error_percent: failed, latency_ms: latency, series }) => [
            server === null ? out.paint.dim('all others') : plain([server === '' ? '(several at once)' : server, tool].filter(Boolean).join(' · '), 60),
            String(calls),
            rate.toPrecision(2),
            failed === null ? '–' : `${Number(failed.toPrecision(2))} %`,
            latencyText(latency?.p50),
            latencyText(latency?.p95),
            latencyText(latency?.p99),
            barsText(series.rate, most),
          ]),
          out.paint.dim,
        ),
  );
  return undefined;
};

function stepText(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes % 1440 === 0) return minutes === 1440 ? 'DAY' : `${minutes / 1440} DAYS`;
  if (minutes % 60 === 0) return minutes === 60 ? 'HOUR' : `${minutes / 60} HOURS`;
  return minutes === 1 ? 'MINUTE' : `${minutes} MINUTES`;
}

/** A bar a step, of one height for all lines; nothing where there was nothing. */
function barsText(values: readonly number[], most: number): string {
  return values.map((value) => (value === 0 ? ' ' : ('▁▂▃▄▅▆▇█'[Math.min(7, Math.floor((value / most) * 8))] ?? '█'))).join('');
}
