/** A stream that a client holds open: `subscriptions/listen` of 2026-07-28. */
import { request } from 'node:http';
import { modernRequest } from './post.ts';

export interface Listening {
  /** By `performance.now()`; null while it is open. */
  endedAt(): number | null;
  close(): void;
}

/** Resolves when its first event is here; rejects where the answer is none. */
export function openListening(url: string, key: string, id = 'listen'): Promise<Listening> {
  const { body, headers } = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } }, id);
  let endedAt: number | null = null;
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: 'POST',
        agent: false,
        headers: { ...headers, authorization: `Bearer ${key}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      },
      (response) => {
        if (response.statusCode !== 200) reject(new Error(`a stream was answered with ${response.statusCode}`));
        response.once('data', () => resolve({ endedAt: () => endedAt, close: () => sent.destroy() }));
        response.on('close', () => (endedAt ??= performance.now()));
        response.on('error', () => undefined);
      },
    );
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}
