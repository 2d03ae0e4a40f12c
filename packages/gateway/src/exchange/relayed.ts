import type { Message } from '../protocol/classify.ts';

/** What is relayed: a message, or a legacy client's GET stream or DELETE. */
export type Relayed = Pick<Message, 'kind' | 'era' | 'method' | 'name'>;

/** How a legacy client's GET stream and its DELETE stand in the record. */
export const streamMethod = 'events/stream';
export const sessionEndMethod = 'session/delete';
export const listenMethod = 'subscriptions/listen';

/** Whether it is answered by a stream that is open as long as its client likes. */
export function isEndless({ method }: Relayed): boolean {
  return method === listenMethod || method === streamMethod;
}
