import { z } from '@hono/zod-openapi';
import { watchCalls } from '../control/live/watch-calls.ts';
import type { Actor } from '../control/context.ts';
import { bounds } from '../kernel/bounds.ts';
import type { LiveEvent, LiveStream } from '../telemetry/live/live-stream.ts';
import { summaryBody } from './call-metrics-shape.ts';
import { requestBody } from './log-shape.ts';
import { route, type Api } from './route.ts';
import { cutStream } from './streamed.ts';

/** Calls as they end. */
export function streamRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/stream',
      permission: 'traces.read',
      tags: ['live'],
      summary: 'Follow calls as they end',
      description: `Server-sent events, one JSON object a line with \`Accept: application/x-ndjson\`, or the same objects as text frames of a WebSocket (\`Upgrade: websocket\`; with a session cookie only from a page of the gateway itself). Events: \`open\`, \`call\` (as in the request log, with an id), \`counted\` (a call that was shown, again, with an id of its own: its tokens were counted after it ended, and this is what it cost with them), \`gap\` (calls since \`Last-Event-ID\` that are not known any more), \`sampled\` (of a second in which more fit than \`rate\`: shown, of), \`dropped\` (the reader was too slow), \`metrics\` (of all calls of a second that fit, with \`events=metrics\` and the permission metrics.read), \`heartbeat\` every ${bounds.liveHeartbeatMs / 1000} s, \`end\`. Of the node that answers.`,
      request: { query: streamQuery, headers: z.object({ 'last-event-id': z.string().max(100).optional() }) },
      responses: { 200: { content: { 'text/event-stream': { schema: z.string() } }, description: 'Events, until the reader leaves.' } },
    }),
    async (c) => {
      const { query, rate, events, last_event_id: asked } = c.req.valid('query');
      const after = c.req.header('last-event-id') ?? asked ?? null;
      const context = c.var.context();
      const stream = watchCalls(context, { query, rateMax: rate, shows: { calls: events.includes('calls'), metrics: events.includes('metrics') }, after });
      const lines = c.req.header('accept')?.includes('application/x-ndjson') === true;
      return new Response(
        bodyOf(
          stream,
          (event) => (lines ? lineOf(event, context.actor) : eventOf(event, context.actor)),
          (error) => cutStream(c, error),
        ),
        {
          status: 200,
          headers: {
            ...Object.fromEntries(c.res.headers),
            'Content-Type': lines ? 'application/x-ndjson' : 'text/event-stream',
            // nginx holds back what is not said to be a stream.
            'X-Accel-Buffering': 'no',
          },
        },
      );
    },
  );
}

const streamQuery = z.object({
  query: z.string().default('').openapi({
    description: 'In the query language (docs/guides/search.md). A call must fit all of it.',
    example: 'server:github -status:ok',
  }),
  rate: z.coerce.number().int().min(1).max(bounds.liveRateMax).default(bounds.liveRate).openapi({
    description: 'Calls shown in a second at most; of more, this many are chosen evenly, and the event `sampled` says of how many.',
  }),
  events: z
    .string()
    .default('calls')
    .transform((text) => text.split(','))
    .pipe(
      z
        .array(z.enum(['calls', 'metrics']))
        .min(1)
        .max(2),
    )
    .openapi({ type: 'string', description: '`calls`, `metrics`, or both with a comma between them.', example: 'calls,metrics' }),
  last_event_id: z.string().max(100).optional().openapi({ description: 'As the header Last-Event-ID, for who cannot send it.' }),
});

/** Each event is asked for when the reader has taken the one before: what it does not take waits in the stream, bounded. */
function bodyOf(stream: LiveStream, write: (event: LiveEvent) => string, cut: (error: unknown) => void): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const event = await stream.next();
          if (event === null) controller.close();
          else controller.enqueue(encoder.encode(write(event)));
        } catch (error) {
          stream.close();
          cut(error);
        }
      },
      cancel: () => stream.close(),
    },
    { highWaterMark: 0 },
  );
}

function dataOf(event: LiveEvent, actor: Actor): unknown {
  if (isOfCall(event)) {
    const body = requestBody(event.call);
    // The address of a caller is told to who may read the request log.
    return actor.can('logs.read') ? body : { ...body, ip: null };
  }
  if (event.type === 'metrics') return { time: new Date(event.endMs).toISOString(), seconds: 1, ...summaryBody(event.summary, 1), active_agents: event.agents };
  const { type: _type, ...rest } = event;
  return event.type === 'heartbeat' ? { time: new Date().toISOString(), ...rest } : rest;
}

function isOfCall(event: LiveEvent): event is Extract<LiveEvent, { id: string }> {
  return event.type === 'call' || event.type === 'counted';
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html */
function eventOf(event: LiveEvent, actor: Actor): string {
  const id = isOfCall(event) ? `id: ${event.id}\n` : '';
  return `${id}event: ${event.type}\ndata: ${JSON.stringify(dataOf(event, actor))}\n\n`;
}

function lineOf(event: LiveEvent, actor: Actor): string {
  return `${JSON.stringify({ type: event.type, ...(isOfCall(event) ? { id: event.id } : {}), data: dataOf(event, actor) })}\n`;
}
