import { text } from 'node:stream/consumers';
import type { z } from 'zod';
import type { answers } from './answers.ts';
import type { GatewayClient } from './gateway-client.ts';
import { plain, type Output } from './output.ts';

type Trace = z.output<typeof answers.trace>['trace'];
type Span = Trace['spans'][number];

/** The recorded bodies of one call; null where one is not kept. */
export interface SpanTexts {
  readonly request: string | null;
  readonly response: string | null;
}

const kinds = ['request', 'response'] as const;
const shownCharsMax = 100_000;

export async function readSpanTexts(client: GatewayClient, { id, spans }: Trace): Promise<ReadonlyMap<string, SpanTexts>> {
  const texts = new Map<string, SpanTexts>();
  for (const span of spans) {
    const at = `/v1/traces/${encodeURIComponent(id)}/spans/${encodeURIComponent(span.id)}`;
    const read = async (kind: (typeof kinds)[number]): Promise<string | null> =>
      span[kind]?.body?.state === 'kept' ? text(await client.download(`${at}/${kind}`, {})) : null;
    texts.set(span.id, { request: await read('request'), response: await read('response') });
  }
  return texts;
}

export function spanTextLines(span: Span, texts: SpanTexts | undefined, indent: string, out: Output): string[] {
  if (texts === undefined) return [];
  return kinds.map((kind) => {
    const kept = texts[kind];
    if (kept !== null) return `${indent}${kind}: ${plain(kept, shownCharsMax)}`;
    const state = span[kind]?.body;
    return `${indent}${kind}: ${out.paint.dim(state ? plain([state.state, state.reason].filter(Boolean).join(': ')) : 'not recorded')}`;
  });
}
