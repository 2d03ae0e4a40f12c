import type { Content } from '@gatewayops/sdk';

/** What people read of a tool's answer. */
export interface Answer {
  readonly content: readonly Content[];
  readonly structuredContent: unknown;
}

/** More is left as text. */
const charsMax = 2_000_000;

/**
 * The result of `tools/call` in a recorded response: of JSON-RPC as JSON or as an event stream, in which it is the last message (MCP 2026-07-28, "Streamable HTTP"),
 * or of the REST way. Undefined where there is none that is whole.
 */
export function answerOf(text: string): Answer | undefined {
  if (text.length > charsMax) return undefined;
  const messages = /^\s*[[{]/.test(text) ? [text] : eventsOf(text);
  for (const message of messages.toReversed()) {
    const answer = resultOf(message);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

/** The data of each event (HTML Living Standard 9.2.6). */
function eventsOf(text: string): string[] {
  return text.split(/\r?\n\r?\n/).flatMap((event) => {
    const data = event.split(/\r?\n/).flatMap((line) => (line.startsWith('data:') ? [line.slice(5).replace(/^ /, '')] : []));
    return data.length === 0 ? [] : [data.join('\n')];
  });
}

function resultOf(message: string): Answer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const result = isObject(value['result']) ? value['result'] : value;
  const { content, structuredContent } = result;
  if (!Array.isArray(content) || !content.every(isContent)) return undefined;
  return { content, structuredContent };
}

const texts: Readonly<Record<string, readonly string[]>> = {
  text: ['text'],
  image: ['data', 'mimeType'],
  audio: ['data', 'mimeType'],
  resource_link: ['name', 'uri'],
};

/** A server may answer anything: only what has what its type promises is shown as such. */
function isContent(part: unknown): part is Content {
  if (!isObject(part) || typeof part['type'] !== 'string') return false;
  if (part['type'] === 'resource') return isObject(part['resource']) && typeof part['resource']['uri'] === 'string';
  const needed = Object.hasOwn(texts, part['type']) ? texts[part['type']] : [];
  return (needed ?? []).every((name) => typeof part[name] === 'string');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
