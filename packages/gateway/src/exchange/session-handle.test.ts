import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { createSealer } from '../kernel/seal.ts';
import { createSessionHandles, eventHolder } from './session-handle.ts';

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
  const handle = handles.seal('key_1', 's1', 'id');
  const sameNode = createSessionHandles(createSealer(sealKey), eventKey);
  expect(sameNode.open(handle, 'key_1', 's1')).toBe('id');
  expect(codeOf(() => createSessionHandles(createSealer(randomBytes(32)), eventKey).open(handle, 'key_1', 's1'))).toBe('session_not_found');
});

test('a handle is of one principal and one server, also where it is known already', () => {
  const handle = handles.seal('key_1', 's1', 'id');
  for (const [principal, server] of [
    ['key_2', 's1'],
    ['key_1', 's2'],
    ['key_1\ns1', ''],
    ['', 's1'],
  ] as const) {
    expect(codeOf(() => handles.open(handle, principal, server))).toBe('session_not_found');
  }
  expect(handles.open(handle, 'key_1', 's1')).toBe('id');
});

test("session ids up to the bound fit, longer ones are the server's fault", () => {
  const longest = 's'.repeat(600);
  expect(handles.open(handles.seal('key_1', 's1', longest), 'key_1', 's1')).toBe(longest);
  expect(codeOf(() => handles.seal('key_1', 's1', 's'.repeat(bounds.sessionHandleBytesMax)))).toBe('upstream_invalid');
});

test('more sessions than are remembered are opened all the same', () => {
  const first = handles.seal('key_1', 's1', 'first');
  for (let number = 0; number < bounds.sessionHandlesCachedMax + 10; number++) handles.seal('key_1', 's1', String(number));
  expect(handles.open(first, 'key_1', 's1')).toBe('first');
});

test('an event id resumes for its holder only, whatever it is made of', () => {
  const mine = eventHolder('key_1', 's1', 'id');
  for (const eventId of ['1', 'a.b.c', '', 'ü', 'x'.repeat(500), '.']) {
    const signed = handles.signEventId(eventId, mine);
    expect(handles.openEventId(signed, mine)).toBe(eventId);
    for (const other of [eventHolder('key_2', 's1', 'id'), eventHolder('key_1', 's2', 'id'), eventHolder('key_1', 's1', '')]) {
      expect(codeOf(() => handles.openEventId(signed, other))).toBe('invalid_request');
    }
    for (const forged of [eventId, `${signed}x`, signed.slice(0, -1), `x${signed}`, signed.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))]) {
      expect(codeOf(() => handles.openEventId(forged, mine))).toBe('invalid_request');
    }
  }
});
