import { bounds } from '../kernel/bounds.ts';

const methods: readonly string[] = ['elicitation/create', 'sampling/createMessage', 'roots/list'];
const needles = methods.map((method) => Buffer.from(`"${method}"`));

/** The method of a message with which a server asks its client for something, or null where it is no such message. */
export function askedBy(json: Buffer): string | null {
  // Most are small, or have none of these words: a search is far cheaper than a parse.
  if (json.length > bounds.replyTapBytesMax || !needles.some((needle) => json.includes(needle))) return null;
  try {
    const message: unknown = JSON.parse(json.toString('utf8'));
    if (typeof message !== 'object' || message === null || !('method' in message) || !('id' in message)) return null;
    return typeof message.method === 'string' && methods.includes(message.method) ? message.method : null;
  } catch {
    return null;
  }
}
