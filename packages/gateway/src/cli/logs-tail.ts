import { setTimeout as delay } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command, CommandContext } from './command.ts';
import { openGatewayClient, type GatewayClient } from './gateway-client.ts';
import { plain, type Output } from './output.ts';
import { railGlyph } from './rail-glyph.ts';
import { RemoteFault } from './remote-fault.ts';
import { countText, latencyText, moneyText } from './say.ts';
import { statusText } from './status-glyph.ts';
import { parseCount, parseWhen } from './when.ts';

type Entry = z.output<typeof answers.requests>['requests'][number];
type Line = (entry: Entry, out: Output) => string;

/** The request log as it grows: what was, from --since on, then what comes. */
export const logsTail: Command = (context) => tail(context, logLine);
/** The same by traces. */
export const tracesTail: Command = (context) => tail(context, createTraceLine());

/** Calls of before that are shown at most: they are held until the oldest is known. */
const historyMax = 20_000;
const pageMax = 1_000;
/** The last calls that were shown, so that none of them is shown again. */
const shownMax = 2 * historyMax;
/** What ended a moment ago is on its way to the ledger. */
const settleMs = 1_500;
const againMs = 1_000;
/** A gateway that has just started brings what its journal holds into the ledger when that is open: the log is looked at again so long after. */
const lateMs = [3_000, 10_000, 30_000];
/** How long a ledger that is opening is waited for. */
const ledgerMs = 60_000;
/** The log is asked by when a call began, the stream follows when it ended: a call that runs for longer than this is missed at a gap. */
const longCallMs = 600_000;

interface Tail {
  readonly client: GatewayClient;
  readonly query: string;
  readonly rate: string;
  readonly out: Output;
  /** Calls from then on are wanted; null: those that come. */
  readonly fromMs: number | null;
  /** Shows a call that was not shown yet. */
  show(entry: Entry): void;
  /** Shows again what a call cost, now that its tokens are counted. */
  correct(entry: Entry): void;
}

async function tail(context: CommandContext, line: Line): Promise<undefined> {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const since = options.text('since');
  const fromMs = since === undefined ? null : parseWhen(since, Date.now(), -1, '--since');
  const rate = String(parseCount(options.text('rate') ?? '50', 1, 1_000, '--rate'));
  const follows = options.on('follow');
  if (!follows && fromMs === null) throw new Fault('usage', { reason: '--no-follow shows what was: say from when on with --since.' });

  const shown = new Set<string>();
  const to: Tail = {
    client,
    query: context.arguments.join(' '),
    rate,
    out,
    fromMs,
    show(entry) {
      if (shown.has(entry.span_id)) return;
      shown.add(entry.span_id);
      // A set keeps the order in which it was filled.
      for (const oldest of shown) {
        if (shown.size <= shownMax) break;
        shown.delete(oldest);
      }
      process.stdout.write(`${out.format === 'text' ? line(entry, out) : JSON.stringify(entry)}\n`);
    },
    correct(entry) {
      if (!shown.has(entry.span_id)) return to.show(entry);
      process.stdout.write(`${out.format === 'text' ? countedLine(entry, out) : JSON.stringify({ ...entry, corrects: entry.span_id })}\n`);
    },
  };
  const askedMs = Date.now();
  if (fromMs !== null) await showHistory(to, fromMs);
  if (follows) await follow(to, fromMs === null ? null : Math.max(fromMs, askedMs - longCallMs));
  return undefined;
}

/** What the request log has from then on, oldest first. What is left out, because it is more than a terminal is for, is said. */
async function showHistory({ client, query, out, show }: Tail, fromMs: number): Promise<void> {
  const range = { query, start_time: new Date(fromMs).toISOString(), end_time: new Date(Date.now() + 1).toISOString() };
  const entries: Entry[] = [];
  let cursor: string | undefined;
  let total: number | null = null;
  do {
    const limit = String(Math.min(pageMax, historyMax - entries.length));
    const page = readAnswer(answers.requests, await client.request('GET', '/v1/logs/requests', { query: { ...range, limit, cursor } }), client.where);
    entries.push(...page.requests);
    total ??= page.estimated_total ?? null;
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && entries.length < historyMax);
  if (cursor !== undefined)
    out.note(`about ${Math.max(1, (total ?? 0) - entries.length)} older calls are left out here: \`gateway logs export\` writes all of them to a file`);
  for (const entry of entries.toReversed()) show(entry);
}

/** Until somebody interrupts. A stream that breaks is taken up where it was; `caughtUpMs`: from when on the log has calls that nobody showed yet. */
async function follow(to: Tail, caughtUpMs: number | null): Promise<void> {
  const { client, query, rate, out } = to;
  const beganMs = Date.now();
  let behindMs = caughtUpMs;
  let lastId: string | undefined;
  let lastMs = to.fromMs ?? beganMs;
  let wasOpen = false;
  const missedFrom = (): number => Math.max(to.fromMs ?? beganMs, lastMs - longCallMs);
  for (;;) {
    let ended = '';
    // Without a call that was seen there is no place to go on from.
    if (wasOpen && lastId === undefined) behindMs ??= missedFrom();
    const events: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => void events.push(event) });
    try {
      const response = await client.download('/v1/stream', { query, rate, last_event_id: lastId });
      response.setEncoding('utf8');
      for await (const chunk of response as AsyncIterable<string>) {
        parser.feed(chunk);
        for (const { event, data, id } of events.splice(0)) {
          if (event === 'open') wasOpen = true;
          if (event === 'open' && behindMs !== null) {
            // What ended between the list and the stream, or in a gap of it; none of it is shown twice.
            await delay(settleMs);
            await catchUp(to, behindMs);
            void catchUpLater(to, behindMs);
            behindMs = null;
          }
          if (event === 'gap') behindMs = missedFrom();
          if (event === 'call') {
            const entry = entryOf(data);
            to.show(entry);
            lastMs = Math.max(lastMs, Date.parse(entry.time) + entry.latency_ms);
          } else if (event === 'counted') to.correct(entryOf(data));
          else if (event === 'end') ended = String((JSON.parse(data) as { reason?: unknown }).reason);
          else note(event ?? '', data, out);
          lastId = id ?? lastId;
        }
      }
    } catch (error) {
      // It never began: that is how the command ends.
      if (!wasOpen) throw error;
      out.note('The stream broke; going on in a moment.');
    }
    if (ended === 'unauthorized') throw new Fault('unauthorized');
    await delay(againMs);
  }
}

/** What comes into the log late; the stream goes on meanwhile. */
async function catchUpLater(to: Tail, fromMs: number): Promise<void> {
  for (const ms of lateMs) {
    await delay(ms);
    try {
      await catchUp(to, fromMs);
    } catch {
      // The gateway is away: the stream says so.
      return;
    }
  }
}

/** A gateway that has just started has its ledger in a moment; a key may follow calls and not read the log. */
async function catchUp(to: Tail, fromMs: number): Promise<void> {
  const untilMs = performance.now() + ledgerMs;
  for (;;) {
    try {
      return await showHistory(to, fromMs);
    } catch (error) {
      if (!(error instanceof RemoteFault)) throw error;
      if (error.code === 'unavailable' && performance.now() < untilMs) {
        await delay(againMs);
        continue;
      }
      to.out.note(`what was missed cannot be read from the request log: ${error.message}`);
      return;
    }
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
    out.note(
      told['missed'] === null
        ? 'the gateway was restarted; what was missed follows from the request log'
        : `${Number(told['missed'])} calls were missed; those that fit follow from the request log`,
    );
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
    ...(entry.status === 'blocked' && entry.policy ? [`policy/${plain(entry.policy, 40)}`] : []),
    paint.dim(plain(entry.trace_id)),
  ].join('  ');
}

function countedLine({ server, tool, input_tokens: input, output_tokens: output, cost, currency, trace_id: trace }: Entry, { paint }: Output): string {
  const tokens = `${countText(input ?? 0, 'token')} in, ${countText(output ?? 0, 'token')} out`;
  return paint.dim(`          counted      ${plain(`${server}/${tool ?? ''}`, 40).padEnd(28)}  ${tokens}: ${moneyText(cost, currency)}  ${plain(trace)}`);
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
