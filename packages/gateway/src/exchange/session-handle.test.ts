import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { createSealer } from '../kernel/seal.ts';
import { createSessionHandles, eventHolder, unaskedHolder } from './session-handle.ts';

const sealKey = randomBytes(32);
const eventKey = randomBytes(32);
const handles = createSessionHandles(createSealer(sealKey), eventKey);

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
  return 'none';
}

test('another worker with the same keys opens a handle, one with other keys does not', () => {
  const handle = handles.seal('key_1', 's1', 'id', null);
  const sameNode = createSessionHandles(createSealer(sealKey), eventKey);
  expect(sameNode.open(handle, 'key_1', 's1').placed).toBe('id');
  expect(codeOf(() => createSessionHandles(createSealer(randomBytes(32)), eventKey).open(handle, 'key_1', 's1'))).toBe('session_not_found');
});

test('keys are changed one after the other: what the earlier one sealed and signed is good until it is taken away', () => {
  const [seal, events] = [randomBytes(32), randomBytes(32)];
  const holder = eventHolder('key_1', 's1', 'id');
  const handle = handles.seal('key_1', 's1', 'id', null);
  const signed = handles.signEventId('7', holder);
  const both = createSessionHandles(createSealer(seal, sealKey), events, eventKey);
  expect([both.open(handle, 'key_1', 's1').placed, both.openEventId(signed, holder)]).toEqual(['id', '7']);
  const alone = createSessionHandles(createSealer(seal), events);
  expect([codeOf(() => alone.open(handle, 'key_1', 's1')), alone.openEventId(signed, holder)]).toEqual(['session_not_found', null]);
  const resealed = both.seal('key_1', 's1', 'new', null);
  expect([alone.open(resealed, 'key_1', 's1').placed, alone.openEventId(both.signEventId('8', holder), holder)]).toEqual(['new', '8']);
});

test('a handle is of one principal and one server, also where it is known already', () => {
  const handle = handles.seal('key_1', 's1', 'id', null);
  for (const [principal, server] of [
    ['key_2', 's1'],
    ['key_1', 's2'],
    ['key_1\ns1', ''],
    ['', 's1'],
  ] as const) {
    expect(codeOf(() => handles.open(handle, principal, server))).toBe('session_not_found');
  }
  expect(handles.open(handle, 'key_1', 's1').placed).toBe('id');
});

test("session ids up to the bound fit, longer ones are the server's fault", () => {
  const longest = 's'.repeat(1_400);
  expect(handles.open(handles.seal('key_1', 's1', longest, null), 'key_1', 's1').placed).toBe(longest);
  expect(codeOf(() => handles.seal('key_1', 's1', 's'.repeat(bounds.sessionHandleBytesMax), null))).toBe('upstream_invalid');
});

test('what `initialize` said comes back byte for byte on any worker; where it is too long the handle does without', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      const opening = JSON.stringify({ capabilities: { experimental: JSON.parse(text) as unknown }, clientInfo: { name: 'a\nb', version: '1' } }, null, 2);
      const handle = handles.seal('key_1', 's1', 'id', opening);
      const other = createSessionHandles(createSealer(sealKey), eventKey);
      const found = other.openingOf(other.open(handle, 'key_1', 's1'));
      expect(handle.length).toBeLessThanOrEqual(bounds.sessionHandleBytesMax);
      expect(found === null ? opening.length > 1_000 : found === opening).toBe(true);
    }),
  );
  const long = handles.seal('key_1', 's1', 'id', `{"_meta":"${'x'.repeat(bounds.sessionHandleBytesMax)}"}`);
  expect([handles.open(long, 'key_1', 's1').placed, handles.openingOf(handles.open(long, 'key_1', 's1'))]).toEqual(['id', null]);
});

test('the run of a session comes back on any worker, also beside what `initialize` said; handles of before hold none', () => {
  const run = { traceHex: 'a'.repeat(32), spanHex: 'b'.repeat(16), beganAtMs: 1_700_000_000_000, clientName: 'Claude Code' };
  for (const opening of [null, '{\n"clientInfo":{}}']) {
    const other = createSessionHandles(createSealer(sealKey), eventKey);
    const found = other.open(handles.seal('key_1', 's1', 'id', opening, run), 'key_1', 's1');
    expect([found.placed, found.run, other.openingOf(found)]).toEqual(['id', run, opening]);
  }
  const before = handles.open(createSealer(sealKey).sealText('key_1\ns1\nid\n{"clientInfo":\n{}}', 'mcp-session'), 'key_1', 's1');
  expect([before.run, handles.openingOf(before)]).toEqual([null, '{"clientInfo":\n{}}']);
});

test('more sessions than are remembered are opened all the same', () => {
  const first = handles.seal('key_1', 's1', 'first', null);
  for (let number = 0; number < bounds.sessionHandlesCachedMax + 10; number++) handles.seal('key_1', 's1', String(number), null);
  expect(handles.open(first, 'key_1', 's1').placed).toBe('first');
});

test('an event id resumes for its holder only, whatever it is made of', () => {
  const mine = eventHolder('key_1', 's1', 'id');
  for (const eventId of ['1', 'a.b.c', '', 'ü', 'x'.repeat(500), '.']) {
    const signed = handles.signEventId(eventId, mine);
    expect(handles.openEventId(signed, mine)).toBe(eventId);
    for (const other of [eventHolder('key_2', 's1', 'id'), eventHolder('key_1', 's2', 'id'), eventHolder('key_1', 's1', ''), unaskedHolder(mine)]) {
      expect(handles.openEventId(signed, other)).toBeNull();
    }
    for (const forged of [eventId, `${signed}x`, signed.slice(0, -1), `x${signed}`, signed.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))]) {
      expect(handles.openEventId(forged, mine)).toBeNull();
    }
  }
});
