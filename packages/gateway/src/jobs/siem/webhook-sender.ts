import { createHash, createHmac } from 'node:crypto';
import { Agent, request } from 'undici';
import { formatEvent } from '../../control/audit/event-formats.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { createOutwardLookup, DeliveryError, deliveryErrorOf, requireOutward, type Sender } from './sender.ts';
import type { StreamData, WebhookData } from './stream-data.ts';

/**
 * Events as the body of a POST, signed as https://www.standardwebhooks.com has it. `webhook-id` is made of the body: the same events that
 * are sent again have the same id. Nothing is followed: what answers with a redirect has not taken them.
 */
export function createWebhookSender(
  { name, to, format, timeoutMs }: Pick<StreamData, 'name' | 'format' | 'timeoutMs'> & { readonly to: WebhookData },
  product: { readonly version: string },
  clock: Clock,
): Sender {
  const url = new URL(to.url);
  const { tls, keys } = to;
  const agent = new Agent({
    connections: 1,
    pipelining: 1,
    connect: {
      timeout: timeoutMs,
      lookup: createOutwardLookup(),
      ...(tls === null
        ? {}
        : {
            ...(tls.ca === null ? {} : { ca: tls.ca }),
            ...(tls.cert === null || tls.key === null ? {} : { cert: tls.cert, key: tls.key }),
            ...(tls.serverName === null ? {} : { servername: tls.serverName }),
          }),
    },
  });

  return {
    target: url.host,
    encode(event) {
      const text = formatEvent(format === 'json' ? 'jsonl' : format, event, product);
      return Buffer.from(format === 'cef' ? JSON.stringify(text) : text);
    },
    async send(events, newestMs, signal) {
      requireOutward(url.hostname);
      const head = { type: 'audit.events', timestamp: new Date(newestMs).toISOString(), stream: name, format };
      const body = `${JSON.stringify(head).slice(0, -1)},"data":[${events.map(String).join(',')}]}`;
      const id = `msg_${createHash('sha256').update(body).digest('base64url').slice(0, 32)}`;
      const seconds = String(Math.floor(clock.nowMs() / 1000));
      const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`);
      try {
        const {
          statusCode,
          headers,
          body: answer,
        } = await request(url, {
          method: 'POST',
          dispatcher: agent,
          signal,
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
          headers: {
            ...to.headers,
            'content-type': 'application/json',
            'user-agent': `GatewayOps/${product.version}`,
            'webhook-id': id,
            'webhook-timestamp': seconds,
            ...(signatures.length === 0 ? {} : { 'webhook-signature': signatures.join(' ') }),
          },
          body,
        });
        await answer.dump({ limit: answerBytesMax, signal });
        if (statusCode >= 200 && statusCode < 300) return;
        const redirect = statusCode >= 300 && statusCode < 400 ? '; redirects are not followed' : '';
        throw new DeliveryError(`it answered ${statusCode}${redirect}`, {
          tooLarge: statusCode === 413,
          retryAfterMs: statusCode === 429 || statusCode === 503 ? retryAfter(headers['retry-after'], clock.nowMs()) : null,
        });
      } catch (error) {
        throw signal.aborted ? new DeliveryError('the gateway is stopping', { cause: error }) : deliveryErrorOf(error);
      }
    },
    close: () => agent.destroy(),
  };
}

const answerBytesMax = 16 * 1024;

/** Seconds, or a date (RFC 9110, section 10.2.3). */
function retryAfter(header: string | string[] | undefined, nowMs: number): number | null {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return null;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), bounds.auditStreamRetryMsMax) : null;
}
