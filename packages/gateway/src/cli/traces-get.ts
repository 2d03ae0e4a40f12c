import type { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain, type Output } from './output.ts';
import { readSpanTexts, spanTextLines, type SpanTexts } from './span-bodies.ts';
import { countText, latencyText, moneyText, timeText } from './say.ts';
import { statusText } from './status-glyph.ts';
import { parseCount } from './when.ts';

type Trace = z.output<typeof answers.trace>['trace'];
type Span = Trace['spans'][number];

export const tracesGet: Command = async (context) => {
  const {
    arguments: [id = ''],
    out,
    options,
  } = context;
  const limit = parseCount(options.text('limit') ?? '1000', 1, bounds.traceSpansMax, '--limit');
  const client = openGatewayClient(context);
  const answer = await client.request('GET', `/v1/traces/${encodeURIComponent(id)}`, { query: { limit: String(limit) } });
  const { trace } = readAnswer(answers.trace, answer, client.where);
  const texts = options.on('bodies') ? await readSpanTexts(client, trace) : null;
  if (texts === null) out.list(answer, trace.spans, () => traceText(trace, null, out));
  else {
    const spans = trace.spans.map((span) => ({ ...span, bodies: texts.get(span.id) ?? null }));
    out.list({ trace: { ...trace, spans } }, spans, () => traceText(trace, texts, out));
  }
  return undefined;
};

function traceText(trace: Trace, texts: ReadonlyMap<string, SpanTexts> | null, out: Output): string {
  const who = Object.entries(trace.context ?? {})
    .filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '')
    .map(([name, value]) => `${name} ${value}`);
  return [
    `${out.paint.bold(plain(trace.id))}  ${statusText(plain(trace.status), out.paint)}  ${latencyText(trace.duration_ms)}  ${moneyText(trace.total_cost, trace.currency)}  ${timeText(trace.start_time)} UTC`,
    ...(who.length === 0 ? [] : [out.paint.dim(plain(who.join(' · '), 500))]),
    trace.truncated === true ? `${countText(trace.spans.length, 'span')}, and more` : countText(trace.spans.length, 'span'),
    ...trace.spans.flatMap((span) => {
      const depth = depthOf(span, trace.spans);
      return [...spanLines(span, depth, trace.currency, out), ...spanTextLines(span, texts?.get(span.id), '  '.repeat(depth + 2), out)];
    }),
  ].join('\n');
}

function spanLines(span: Span, depth: number, currency: string | undefined, out: Output): string[] {
  const indent = '  '.repeat(depth + 1);
  const what = plain([span.server, span.tool ?? span.operation].filter(Boolean).join(' · '), 80);
  const lines = [
    `${indent}${statusText(plain(span.status), out.paint)}  ${what}  ${latencyText(span.duration_ms)}  ${moneyText(span.cost, currency)}  ${out.paint.dim(plain(span.id))}`,
  ];
  const rail = railText(span, out);
  if (rail !== null) lines.push(`${indent}  ${rail}`);
  const notes = [
    ...(span.status === 'blocked' && span.policy ? [`policy ${span.policy}`] : []),
    ...(span.cache === 'hit' || span.cache === 'shared' ? ['answered from the cache'] : []),
    ...(span.tries?.length ? [`tries: ${span.tries.map((one) => `${one.target} ${one.outcome} ${latencyText(one.duration_ms)}`).join(', ')}`] : []),
    ...(span.transforms?.length ? [`rules: ${span.transforms.join(', ')}`] : []),
  ];
  if (notes.length > 0) lines.push(`${indent}  ${out.paint.dim(plain(notes.join(' · '), 300))}`);
  if (span.error) lines.push(`${indent}  ${plain(span.error, 300)}`);
  return lines;
}

/** `Auth 0.1 ms ●── Access 0.1 ms ⬣┄┄ Limit ○ …`: how far the call came, and how long it was at each stop. */
function railText({ stops, stopped_at: stoppedAt, status }: Span, out: Output): string | null {
  if (stops === undefined) return null;
  const names = ['auth', 'access', 'limit', 'guard', 'server', 'reply'];
  const end = stoppedAt === null || stoppedAt === undefined ? -1 : names.indexOf(stoppedAt);
  return names
    .map((name, index) => {
      const title = name.slice(0, 1).toUpperCase() + name.slice(1);
      const time = stops[name];
      if (end !== -1 && index > end) return out.paint.dim(`${title} ○`);
      const mark = index === end ? (status === 'blocked' ? out.paint.magenta('⊘') : out.paint.red('⬣')) : '●';
      return `${title}${typeof time === 'number' ? ` ${latencyText(time)}` : ''} ${mark}`;
    })
    .join(' ── ');
}

function depthOf(span: Span, spans: readonly Span[]): number {
  let depth = 0;
  // A loop of parents that a client invented ends at the number of spans.
  for (
    let parent = spans.find(({ id }) => id === span.parent_id);
    parent !== undefined && depth < spans.length;
    parent = spans.find(({ id }) => id === parent?.parent_id)
  )
    depth += 1;
  return Math.min(depth, 20);
}
