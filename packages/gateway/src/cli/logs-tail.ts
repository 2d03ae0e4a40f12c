import { setTimeout as delay } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import type { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command, CommandContext } from './command.ts';
import { openGatewayClient, type GatewayClient } from './gateway-client.ts';
import { plain, type Output } from './output.ts';
import { railGlyph } from './rail-glyph.ts';
import { latencyText, moneyText } from './say.ts';
import { statusText } from './status-glyph.ts';
import { parseCount, parseWhen } from './when.ts';

type Entry = z.output<typeof answers.requests>['requests'][number];
type Line = (entry: Entry, out: Output) => string;

/** The request log as it grows: what was, from --since on, then what comes. */
export const logsTail: Command = (context) => tail(context, logLine);
/** The same by traces. */
export const tracesTail: Command = (context) => tail(context, createTraceLine());

const historyMax = 200;
/** What ended a moment ago is on its way to the ledger. */
const settleMs = 1_500;
const againMs = 1_000;

async function tail(context: CommandContext, line: Line): Promise<undefined> {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const query = context.arguments.join(' ');
  const since = options.text('since');
  const fromMs = since === undefined ? null : parseWhen(since, Date.now(), -1, '--since');
  const rate = String(parseCount(options.text('rate') ?? '50', 1, 1_000, '--rate'));
  const follows = options.on('follow');
  if (!follows && fromMs === null) throw new Fault('usage', { reason: '--no-follow shows what was: say from when on with --since.' });

  const shown = new Set<string>();
  const show = (entry: Entry): void => {
    if (shown.has(entry.span_id)) return;
    process.stdout.write(`${out.format === 'text' ? line(entry, out) : JSON.stringify(entry)}\n`);
  };
  if (fromMs !== null) {
    for (const entry of await history(client, query, fromMs)) {
      show(entry);
      shown.add(entry.span_id);
    }
  }
  if (follows) await follow(client, { query, rate }, fromMs, show, shown, out);
  return undefined;
}

/** Oldest first, the newest `historyMax` of them. */
async function history(client: GatewayClient, query: string, fromMs: number): Promise<Entry[]> {
  const answer = await client.request('GET', '/v1/logs/requests', {
    query: { query, start_time: new Date(fromMs).toISOString(), end_time: new Date(Date.now() + 1).toISOString(), limit: String(historyMax) },
  });
  return readAnswer(answers.requests, answer, client.where).requests.toReversed();
}

/** Until somebody interrupts. A stream that breaks is taken up where it was. */
async function follow(
  client: GatewayClient,
  query: { readonly query: string; readonly rate: string },
  fromMs: number | null,
  show: (entry: Entry) => void,
  shown: Set<string>,
  out: Output,
): Promise<void> {
  let lastId: string | undefined;
  let caughtUp = fromMs === null;
  for (;;) {
    let ended = '';
    const parser = createParser({
      onEvent({ event, data, id }) {
        if (id !== undefined) lastId = id;
        if (event === 'call') show(entryOf(data));
        else if (event === 'end') ended = String((JSON.parse(data) as { reason?: unknown }).reason);
        else note(event ?? '', data, out);
      },
    });
    try {
      const response = await client.download('/v1/stream', { ...query, last_event_id: lastId });
      response.setEncoding('utf8');
      if (!caughtUp && fromMs !== null) {
        caughtUp = true;
        // What ended between the list and the stream; none of it is shown twice.
        await delay(settleMs);
        for (const entry of await history(client, query.query, fromMs)) {
          show(entry);
          shown.add(entry.span_id);
        }
      }
      for await (const chunk of response as AsyncIterable<string>) parser.feed(chunk);
    } catch (error) {
      // Nothing was ever shown: that is how the command ends.
      if (lastId === undefined && ended === '') throw error;
      out.note('The stream broke; going on in a moment.');
    }
    if (ended === 'unauthorized') throw new Fault('unauthorized');
    await delay(againMs);
  }
}

function entryOf(data: string): Entry {
  return JSON.parse(data) as Entry;
}

/** What is not shown is said. */
function note(event: string, data: string, out: Output): void {
  const told = JSON.parse(data) as Readonly<Record<string, unknown>>;
  if (event === 'sampled') out.note(`showing ${String(told['shown'])} of ${String(told['of'])} in this second (--rate)`);
  if (event === 'dropped') out.note(`${String(told['count'])} calls were lost: they are not read fast enough here`);
  if (event === 'gap')
    out.note(told['missed'] === null ? 'the gateway was restarted: calls may be missing here' : `${Number(told['missed'])} calls are missing here`);
}

function logLine(entry: Entry, { paint }: Output): string {
  const who = entry.user_id ?? entry.agent_name ?? entry.key_prefix ?? 'anonymous';
  return [
    paint.dim(entry.time.slice(11, 19)),
    statusText(plain(entry.status), paint).padEnd(11),
    plain(`${entry.server}/${entry.tool ?? entry.operation}`, 40).padEnd(28),
    plain(who, 24).padEnd(16),
    latencyText(entry.latency_ms).padStart(8),
    moneyText(entry.cost, entry.currency).padStart(8),
    railGlyph(entry.status, entry.stop, paint),
    ...(entry.fault === null ? [] : [plain(entry.fault, 40)]),
    paint.dim(plain(entry.trace_id)),
  ].join('  ');
}

/** Each trace is named with its first call that is shown; those that follow stand under it. */
function createTraceLine(): Line {
  let last = '';
  return (entry, out) => {
    const head = entry.trace_id === last ? '' : `${out.paint.bold(plain(entry.trace_id))}\n`;
    last = entry.trace_id;
    return `${head}  ${logLine(entry, out)}`;
  };
}
