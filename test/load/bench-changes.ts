/**
 * `npm run bench -- changes [-o json]`: a running gateway with 1,000 servers and 5,000 rules, called at a fixed rate: the latency of the calls and the delay of the worker's loop while
 * nothing changes, while a tool is switched off and on again and again, and while a rule changes as often.
 */
import type { Client } from 'pg';
import { post } from '../support/post.ts';
import { residentBytes } from '../support/processes.ts';
import { readPrometheusText } from '../support/prometheus-text.ts';
import { fillRegistry } from './fill-registry.ts';
import { rulesOf } from './bench-snapshot.ts';
import { type Generator, startGenerator, untilQuiet } from './measure.ts';
import { type GatewayTarget, startGatewayOnce, startUpstream } from './targets.ts';

export interface ChangesBench {
  readonly servers: number;
  readonly rules: number;
  readonly perSecond: number;
  readonly phases: readonly Phase[];
  /** From the request until it is answered, which is when every worker goes by it. */
  readonly switchMs: number;
  /** The same for a rule. */
  readonly ruleMs: number;
  /** Of the worker. */
  readonly residentMiB: { readonly before: number; readonly after: number };
}

interface Phase {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** How late timers of the worker fired. */
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

const servers = 1_000;
const rules = 5_000;
const load = { connections: 20, perSecond: 300 };
const phaseMs = 6_000;
const changeEveryMs = 300;
const MiB = 1024 * 1024;

export async function runChangesBench(): Promise<ChangesBench> {
  const ends: (() => Promise<unknown> | void)[] = [];
  try {
    const upstream = await startUpstream();
    ends.push(() => upstream.stop());
    const url = `http://127.0.0.1:${upstream.port}/mcp`;
    const names = ['bench', ...Array.from({ length: servers - 1 }, (_, index) => `server-${index + 1}`)];
    const config = { servers: names.map((name) => ({ name, url })) };
    const first = await startGatewayOnce('gateway', upstream, config);
    await first.stop();
    const policies = rulesOf(rules - 2, names).map(({ name, ...rule }) => ({ name, rule }));
    const fill = async (client: Client): Promise<void> => {
      await client.query(
        `insert into policies (organization_id, name, rule, version, changed_at, changed_by)
         select id, written.value ->> 'name', written.value -> 'rule', 1, now(), 'bench' from organizations, jsonb_array_elements($1::jsonb) as written`,
        [JSON.stringify(policies)],
      );
    };
    await fillRegistry(first.gateway.stateFolder, fill, async () => undefined);
    const gateway = await startGatewayOnce('gateway', upstream, config, first);
    ends.push(() => gateway.stop());
    const generator = startGenerator();
    ends.push(() => generator.stop());
    await generator.measure(gateway, { connections: 20, perSecond: null }, { warmupMs: 0, measureMs: 4_000 });
    await untilQuiet(gateway.pids(), 2_000);
    const before = residentBytes(gateway.pid).now;
    const phases = [await measure(generator, gateway, 'nothing changes', async () => undefined)];

    const switchTimes: number[] = [];
    phases.push(
      await measure(generator, gateway, 'a tool is switched off and on', async (isOver) => {
        const place = `${gateway.gateway.url}/v1/switches/tool/${encodeURIComponent('bench/other')}`;
        await repeat(isOver, async (turn) => {
          const options = { method: turn % 2 === 0 ? 'PUT' : 'DELETE', headers: Object.fromEntries(gateway.headers) };
          const { status, ms } = await post(place, turn % 2 === 0 ? { reason: 'a trial' } : undefined, options);
          if (status >= 300) throw new Error(`a switch was answered with ${status}`);
          switchTimes.push(ms);
        });
      }),
    );

    const ruleTimes: number[] = [];
    phases.push(
      await measure(generator, gateway, 'a rule changes', async (isOver) => {
        const place = `${gateway.gateway.url}/v1/policies/changing`;
        // Of one that is not there yet.
        let version = '"0"';
        await repeat(isOver, async (turn) => {
          const { status, ms, text, headers } = await post(
            place,
            { effect: 'deny', to: ['everyone'], servers: ['bench'], tools: [`other-${turn}`] },
            { method: 'PUT', headers: { ...Object.fromEntries(gateway.headers), 'If-Match': version } },
          );
          version = headers.etag ?? '';
          if (status >= 300) throw new Error(`a rule was answered with ${status}: ${text}`);
          ruleTimes.push(ms);
        });
      }),
    );
    return {
      servers,
      rules,
      perSecond: load.perSecond,
      phases,
      switchMs: medianOf(switchTimes),
      ruleMs: medianOf(ruleTimes),
      residentMiB: { before: before / MiB, after: residentBytes(gateway.pid).now / MiB },
    };
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

async function repeat(isOver: () => boolean, change: (turn: number) => Promise<void>): Promise<void> {
  for (let turn = 0; !isOver(); turn++) {
    const nextAt = performance.now() + changeEveryMs;
    await change(turn);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextAt - performance.now())));
  }
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

async function measure(generator: Generator, gateway: GatewayTarget, name: string, change: (isOver: () => boolean) => Promise<void>): Promise<Phase> {
  // What was late so far is read, and told no more.
  await readDelays(gateway);
  let isOver = false;
  const changing = change(() => isOver);
  // What went wrong is said when it is waited for, and what was started ends first.
  changing.catch(() => undefined);
  const { p50, p99, worst } = await generator.measure(gateway, load, { warmupMs: 200, measureMs: phaseMs });
  isOver = true;
  await changing;
  const samples = await readDelays(gateway);
  return { name, p50, p99, worst, delayP99Ms: samples('p99'), delayMaxMs: samples('max') };
}

async function readDelays(gateway: GatewayTarget): Promise<(statistic: string) => number> {
  const { text } = await post(`${gateway.gateway.url}/metrics`, undefined, { headers: { ...Object.fromEntries(gateway.headers), accept: 'text/plain' } });
  const samples = readPrometheusText(text);
  return (statistic) => samples.sum('gatewayops_event_loop_delay_seconds', { process: 'worker-1', statistic }) * 1_000;
}

export function renderChangesBench({ servers: serverCount, rules: ruleCount, perSecond, phases, switchMs, ruleMs, residentMiB }: ChangesBench): string {
  return [
    `${serverCount} servers, ${ruleCount} rules, ${perSecond} calls a second; the worker holds ${residentMiB.before.toFixed(0)} MiB before the changes, ${residentMiB.after.toFixed(0)} MiB after them.`,
    ...phases.map(
      ({ name, p50, p99, worst, delayP99Ms, delayMaxMs }) =>
        `While ${name}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, worst ${worst.toFixed(0)} ms; the worker's loop was late by ${delayP99Ms.toFixed(1)} ms at the 99th percentile, at most ${delayMaxMs.toFixed(1)} ms.`,
    ),
    `A switch holds ${switchMs.toFixed(0)} ms after it was asked for, a changed rule after ${ruleMs.toFixed(0)} ms.`,
  ].join('\n');
}
