import { expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { CollectReply } from './collect-reply.ts';

const control = { target: '', retries: 0, tries: null, resume: () => undefined, aborted: 0, abort: () => void control.aborted++ };

function collect(contentType: string, chunks: string[], refuse: ((json: Buffer) => Fault | null) | null = null, bytesMax = 1_000): Promise<string[]> {
  const sink = new CollectReply('s1', refuse, bytesMax);
  sink.head(200, { 'content-type': contentType, 'mcp-session-id': ['a', 'b'] }, control);
  for (const chunk of chunks) sink.data(Buffer.from(chunk));
  sink.end();
  return sink.whole.then((reply) => [reply.sessionId, ...reply.messages.map(String)]);
}

test('a JSON body is one message, a stream one an event, anything else none', async () => {
  expect(await collect('application/json; charset=utf-8', ['{"a"', ':1}'])).toEqual(['a', '{"a":1}']);
  expect(await collect('text/event-stream', ['data: 1\n\nid: x\n\nda', 'ta: 2\r\n\r\n: c\n\ndata: 3'])).toEqual(['a', '1', '2']);
  expect(await collect('text/html', ['<p>'])).toEqual(['a']);
});

test('what is larger than the bound is given up, in pieces or in one event', async () => {
  for (const [type, chunk] of [
    ['application/json', ' '],
    ['text/event-stream', 'data: 1\n\n'],
    ['text/event-stream', 'data: x'],
  ] as const) {
    const before = control.aborted;
    await expect(
      collect(
        type,
        Array.from({ length: 1_001 }, () => chunk),
      ),
    ).rejects.toMatchObject({ code: 'upstream_invalid' });
    expect(control.aborted).toBeGreaterThan(before);
  }
});

test('a message that makes the reply useless ends it at once', async () => {
  const refuse = (json: Buffer): Fault | null => (json.includes('ask') ? new Fault('mcp_error', { server: 's1' }) : null);
  await expect(collect('text/event-stream', ['data: 1\n\ndata: ask\n\n', 'data: 2\n\n'], refuse)).rejects.toMatchObject({ code: 'mcp_error' });
});
