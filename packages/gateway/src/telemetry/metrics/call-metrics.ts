import { bounds } from '../../kernel/bounds.ts';
import { durationBucketsSeconds, overheadBucketsSeconds, type MetricName, type MetricPoint, type MetricReading } from '../../kernel/metric-table.ts';
import type { CallRowReader } from '../call-row-reader.ts';
import type { CountedTokens } from '../counted-tokens.ts';
import { Histogram } from './histogram.ts';

/** The metrics of calls, added up as they pass the tap. */
export interface CallMetrics {
  add(row: CallRowReader): void;
  addCounted(tokens: CountedTokens): void;
  readings(): readonly MetricReading[];
}

export interface CallMetricsOptions {
  /** Tools that have a label of their own; all others are `other`. */
  readonly toolsMax: () => number;
  /** One of few words for a method: anyone may make up a notification. */
  readonly methodLabel: (method: string) => string;
}

/** What is counted of a tool of a server, or of a method that names none, by whether it went well. */
interface ToolFigures {
  readonly labels: readonly [server: string, tool: string, method: string, outcome: string];
  readonly durations: Histogram;
  inputTokens: number;
  outputTokens: number;
}

interface ServerFigures {
  readonly overheads: Histogram;
  requestBytes: number;
  replyBytes: number;
  retries: number;
  rateLimited: number;
}

interface Count {
  readonly labels: readonly string[];
  value: number;
}

const other = 'other';

/**
 * Labels are bounded: servers are those of the configuration, methods those of the protocol, and a tool gets a label only when a call of it
 * went well, so that made-up names take up no room.
 */
export function createCallMetrics({ toolsMax, methodLabel }: CallMetricsOptions): CallMetrics {
  const tools = new Set<string>();
  const calls = new Map<string, Count>();
  const byTool = new Map<string, ToolFigures>();
  const byServer = new Map<string, ServerFigures>();
  const costs = new Map<string, Count>();
  const faults = new Map<string, Count>();
  const answers = new Map<string, Count>();

  function toolLabel(server: string, method: string, tool: string, status: string): string {
    if (method !== 'tools/call' || tool === '') return '';
    const key = `${server}\n${tool}`;
    if (tools.has(key)) return tool;
    if (status !== 'success' || tools.size >= toolsMax()) return other;
    tools.add(key);
    return tool;
  }

  function figuresOfTool(server: string, tool: string, method: string, outcome: string): ToolFigures {
    const key = `${server}\n${tool}\n${method}\n${outcome}`;
    const known = byTool.get(key);
    if (known !== undefined) return known;
    const made: ToolFigures = { labels: [server, tool, method, outcome], durations: new Histogram(durationBucketsSeconds), inputTokens: 0, outputTokens: 0 };
    byTool.set(key, made);
    return made;
  }

  function figuresOfServer(server: string): ServerFigures {
    const known = byServer.get(server);
    if (known !== undefined) return known;
    const made: ServerFigures = { overheads: new Histogram(overheadBucketsSeconds), requestBytes: 0, replyBytes: 0, retries: 0, rateLimited: 0 };
    byServer.set(server, made);
    return made;
  }

  /** Past the bound what is new is one series: a server is renamed more often than anyone thinks, over the life of a process. */
  function serverLabel(server: string): string {
    return byServer.has(server) || byServer.size < bounds.metricServersMax ? server : other;
  }

  function addCost(server: string, tool: string, currency: string, nano: number): void {
    if (nano > 0) count(costs, `${server}\n${tool}\n${currency}`, () => [server, tool, currency], nano);
  }

  return {
    add(row) {
      const server = serverLabel(row.text('server'));
      const method = methodLabel(row.text('method'));
      const status = row.text('status');
      const tool = toolLabel(server, method, row.text('tool'), status);
      const stop = row.text('stop');
      count(calls, `${server}\n${tool}\n${method}\n${status}\n${stop}`, () => [server, tool, method, status, stop], 1);

      const ofServer = figuresOfServer(server);
      const ofTool = figuresOfTool(server, tool, method, status === 'error' || status === 'timeout' || status === 'blocked' ? 'failed' : 'ok');
      // Of a call whose end was never written down no time is known.
      if (status !== 'unknown') {
        ofTool.durations.observe(row.number('duration_us') / 1e6);
        ofServer.overheads.observe((row.number('auth_us') + row.number('access_us') + row.number('limit_us') + row.number('guard_us')) / 1e6);
      }
      ofTool.inputTokens += row.number('input_tokens');
      ofTool.outputTokens += row.number('output_tokens');
      ofServer.requestBytes += row.number('request_bytes');
      ofServer.replyBytes += row.number('reply_bytes');
      ofServer.retries += row.number('retries');

      addCost(server, tool, row.text('currency'), row.number('cost'));
      const fault = row.text('fault_code');
      if (fault !== '') {
        count(faults, `${server}\n${fault}`, () => [server, fault], 1);
        if (fault === 'rate_limit_exceeded') ofServer.rateLimited++;
      }
      const cache = row.text('cache');
      if (cache !== '') count(answers, `${server}\n${cache}`, () => [server, cache], 1);
    },
    addCounted({ server: name, tool: named, currency, input, output, costNano }) {
      const server = serverLabel(name);
      // Its call has passed, and has made the label if it may have one.
      const tool = toolLabel(server, 'tools/call', named, '');
      const figures = figuresOfTool(server, tool, methodLabel('tools/call'), 'ok');
      figures.inputTokens += input;
      figures.outputTokens += output;
      addCost(server, tool, currency, costNano);
    },
    readings() {
      const ofTools = [...byTool.values()];
      const ofServers = [...byServer];
      const perServer = (name: MetricName, of: (figures: ServerFigures) => number): MetricReading => ({
        name,
        points: ofServers.map(([server, figures]) => ({ labels: [server], value: of(figures) })),
      });
      return [
        { name: 'gatewayops_calls_total', points: pointsOf(calls) },
        { name: 'gatewayops_call_duration_seconds', points: ofTools.map(({ labels, durations }) => ({ labels, value: durations })) },
        { name: 'gatewayops_call_overhead_seconds', points: ofServers.map(([server, { overheads }]) => ({ labels: [server], value: overheads })) },
        { name: 'gatewayops_faults_total', points: pointsOf(faults) },
        perServer('gatewayops_rate_limit_refusals_total', ({ rateLimited }) => rateLimited),
        { name: 'gatewayops_tokens_total', points: tokenPoints(ofTools) },
        { name: 'gatewayops_cost_total', points: pointsOf(costs).map(({ labels, value }) => ({ labels, value: value / 1e9 })) },
        perServer('gatewayops_request_bytes_total', ({ requestBytes }) => requestBytes),
        perServer('gatewayops_reply_bytes_total', ({ replyBytes }) => replyBytes),
        { name: 'gatewayops_cache_answers_total', points: pointsOf(answers) },
        perServer('gatewayops_retries_total', ({ retries }) => retries),
      ];
    },
  };
}

function count(counts: Map<string, Count>, key: string, labels: () => readonly string[], value: number): void {
  const known = counts.get(key);
  if (known === undefined) counts.set(key, { labels: labels(), value });
  else known.value += value;
}

function pointsOf(counts: ReadonlyMap<string, Count>): { readonly labels: readonly string[]; readonly value: number }[] {
  return Array.from(counts.values(), ({ labels, value }) => ({ labels, value }));
}

/** Of methods without tokens there is nothing to say. */
function tokenPoints(figures: readonly ToolFigures[]): MetricPoint[] {
  const byLabels = new Map<string, Count>();
  for (const { labels, inputTokens, outputTokens } of figures) {
    const [server, tool] = labels;
    for (const [direction, tokens] of [
      ['input', inputTokens],
      ['output', outputTokens],
    ] as const) {
      if (inputTokens + outputTokens > 0) count(byLabels, `${server}\n${tool}\n${direction}`, () => [server, tool, direction], tokens);
    }
  }
  return pointsOf(byLabels);
}
