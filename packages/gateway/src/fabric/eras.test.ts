import { expect, test } from 'vitest';
import { serverAt } from '../../../../test/support/dialogues.ts';
import { bounds } from '../kernel/bounds.ts';
import { createEraBook } from './eras.ts';
import type { SendExchange } from './server-exchange.ts';

const server = serverAt('http://127.0.0.1:1/mcp');

test('a verdict is kept for minutes, and one that is in doubt for half a minute at most, however often it is doubted', async () => {
  let nowMs = 0;
  let asked = 0;
  // No server at all: one that answers nothing is taken for one of before 2026-07-28.
  const sendExchange: SendExchange = (_server, _request, sink) => {
    asked++;
    queueMicrotask(() => sink.end({ status: 400, sessionId: '', isStream: false, events: null, target: '' }));
    return { abort: () => undefined, release: () => undefined };
  };
  const eras = createEraBook(sendExchange, { nowMs: () => nowMs, monotonicMs: () => nowMs });
  expect(await eras.find(server, 'legacy')).toBe(true);
  nowMs = bounds.fabricEraMs - 1;
  expect([eras.known(server, 'modern'), asked]).toEqual([false, 1]);
  nowMs = bounds.fabricEraMs;
  expect(eras.known(server, 'modern')).toBeNull();

  await eras.find(server, 'legacy');
  for (let times = 0; times < 10; times++) {
    eras.doubt(server);
    nowMs += bounds.fabricDoubtfulEraMs / 11;
    expect(eras.known(server, 'legacy')).toBe(true);
  }
  nowMs += bounds.fabricDoubtfulEraMs / 11 + 1;
  expect([eras.known(server, 'legacy'), asked]).toEqual([null, 2]);
});
