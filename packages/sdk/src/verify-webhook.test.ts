import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifyWebhook, WebhookError, type WebhookRequest } from './verify-webhook.ts';

const secret = `whsec_${Buffer.from('a secret of the receiver, 32 byte').toString('base64')}`;
const other = `whsec_${Buffer.from('the one that is put in its place').toString('base64')}`;
const message = { type: 'audit.events', timestamp: '2026-01-01T00:00:00.000Z', stream: 'soc', format: 'json', data: [{ id: 'aud_1', text: 'é' }] };
const body = JSON.stringify(message);

/** As https://www.standardwebhooks.com has it. */
function signed(by: string, seconds = Math.floor(Date.now() / 1000), text = body): Record<string, string> {
  const key = Buffer.from(by.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`msg_1.${seconds}.${text}`).digest('base64');
  return { 'webhook-id': 'msg_1', 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${signature}` };
}
const refused = async (request: WebhookRequest): Promise<string> => {
  const error = await verifyWebhook(request).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(WebhookError);
  expect(String(error)).not.toContain(secret);
  return (error as Error).message;
};

describe('a webhook', () => {
  test('that one of the secrets has signed is the message, whatever form its headers and body have', async () => {
    const expected = { ...message, id: 'msg_1' };
    expect(await verifyWebhook({ headers: signed(secret), body, secret })).toEqual(expected);
    expect(await verifyWebhook({ headers: new Headers(signed(secret)), body: new TextEncoder().encode(body), secret: [other, secret] })).toEqual(expected);
    const both = { ...signed(secret), 'webhook-signature': `v1a,xyz ${signed(other)['webhook-signature']} ${signed(secret)['webhook-signature']}` };
    expect(await verifyWebhook({ headers: both, body, secret })).toEqual(expected);
    const node = Object.fromEntries(Object.entries(signed(secret)).map(([name, value]) => [name.toUpperCase(), [value]]));
    expect(await verifyWebhook({ headers: node, body, secret })).toEqual(expected);
  });

  test('that was changed, signed by another secret or not at all, or that comes late, is refused', async () => {
    expect(await refused({ headers: signed(secret), body: `${body} `, secret })).toContain('no secret has signed it');
    expect(await refused({ headers: signed(other), body, secret })).toContain('no secret has signed it');
    expect(await refused({ headers: { ...signed(secret), 'webhook-id': 'msg_2' }, body, secret })).toContain('no secret has signed it');
    expect(await refused({ headers: { ...signed(secret), 'webhook-signature': 'v1,*** v1' }, body, secret })).toContain('no secret has signed it');
    expect(await refused({ headers: {}, body, secret })).toContain('webhook-id');
    const old = Math.floor(Date.now() / 1000) - 600;
    expect(await refused({ headers: signed(secret, old), body, secret })).toContain('its time is not now');
    expect(await verifyWebhook({ headers: signed(secret, old), body, secret, toleranceMs: 3_600_000 })).toMatchObject({ id: 'msg_1' });
    expect(await refused({ headers: signed(secret), body, secret: secret.slice(6) })).toContain('whsec_');
    expect(await refused({ headers: signed(secret, undefined, 'no json'), body: 'no json', secret })).toContain('not JSON');
  });
});
