import { GatewayOpsError } from './errors.ts';

/** What an audit stream of the gateway posts (docs/guides/siem.md). */
export interface WebhookMessage {
  /** Of the message: the same one that is sent again has the same. */
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly stream: string;
  readonly format: string;
  /** Its events, in its format. */
  readonly data: readonly unknown[];
}

export interface WebhookRequest {
  /** Of the request, as `fetch` or Node.js has them. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As it came, byte for byte: parsed and printed again it has another signature. */
  readonly body: string | Uint8Array;
  /** `whsec_…`; several while one is changed. */
  readonly secret: string | readonly string[];
  /** How far the clocks may differ, and how late it may come. Default: 5 minutes. */
  readonly toleranceMs?: number;
}

/** A request that does not come from the gateway, or came too late. Answer it with 400 and use nothing of it. */
export class WebhookError extends GatewayOpsError {
  override readonly name = 'WebhookError';

  constructor(reason: string) {
    const fix = 'Check that the secret is one of those in `audit.streams`, that the body is as it came, and that the clocks agree.';
    super(`This is no message of the gateway: ${reason}.`, { code: 'webhook_invalid', fix, retryable: false });
  }
}

const toleranceMsDefault = 5 * 60_000;
const secretForm = /^whsec_([A-Za-z0-9+/]+={0,2})$/;

/** The message of a webhook, if one of the secrets has signed it (https://www.standardwebhooks.com). Faults: `WebhookError`. */
export async function verifyWebhook({ headers, body, secret, toleranceMs = toleranceMsDefault }: WebhookRequest): Promise<WebhookMessage> {
  const [id, seconds, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => headerOf(headers, name));
  if (!id || !seconds || !signatures) throw new WebhookError('it has no webhook-id, webhook-timestamp or webhook-signature');
  if (!/^\d{1,12}$/.test(seconds) || Math.abs(Date.now() - Number(seconds) * 1000) > toleranceMs) throw new WebhookError('its time is not now');
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const head = new TextEncoder().encode(`${id}.${seconds}.`);
  const signed = new Uint8Array(head.length + bytes.length);
  signed.set(head);
  signed.set(bytes, head.length);
  for (const one of [secret].flat()) {
    const key = await crypto.subtle.importKey('raw', secretBytes(one), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
    for (const signature of signatures.split(' ')) {
      const [version, text = ''] = signature.split(',', 2);
      const given = version === 'v1' ? decodeBase64(text) : null;
      if (given !== null && (await crypto.subtle.verify('HMAC', key, given, signed))) return messageOf(id, new TextDecoder().decode(bytes));
    }
  }
  throw new WebhookError('no secret has signed it');
}

function messageOf(id: string, text: string): WebhookMessage {
  try {
    return { ...(JSON.parse(text) as Omit<WebhookMessage, 'id'>), id };
  } catch {
    throw new WebhookError('its body is not JSON');
  }
}

function headerOf(headers: WebhookRequest['headers'], name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const found = Object.entries(headers).find(([one]) => one.toLowerCase() === name)?.[1];
  return typeof found === 'string' ? found : found?.[0];
}

function secretBytes(secret: string): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64(secretForm.exec(secret)?.[1] ?? '');
  // The secret itself is not repeated.
  if (bytes === null || bytes.length === 0) throw new WebhookError('the secret is not whsec_ and base64');
  return bytes;
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
