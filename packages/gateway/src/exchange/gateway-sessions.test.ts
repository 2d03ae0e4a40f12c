import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { createSealer } from '../kernel/seal.ts';
import { createGatewaySessions, type GatewaySession, type GatewaySessions } from './gateway-sessions.ts';

const sealer = createSealer(Buffer.alloc(32, 7));
const run = { traceHex: 'a'.repeat(32), spanHex: 'b'.repeat(16), beganAtMs: 1_700_000_000_000, clientName: 'Claude Code' };
const opened = { principalId: 'key_a', endpoint: 's1', version: '2025-11-25', capabilities: '{}', info: null, run };
const clock = { nowMs: () => Date.now(), monotonicMs: () => Date.now() };
let sessions: GatewaySessions;

beforeEach(() => {
  vi.useFakeTimers();
  sessions = createGatewaySessions({ sealer, clock, home: 'one' });
});
afterEach(() => {
  sessions.close();
  vi.useRealTimers();
});

function find(handle: string, of: GatewaySessions = sessions, principalId = 'key_a', endpoint = 's1'): GatewaySession {
  const ticket = of.read(handle);
  if (ticket === null) throw new Error('the handle is none of these sessions');
  return of.find(ticket, principalId, endpoint);
}

test('a session is found by its own principal at its own endpoint, and remembers', () => {
  const handle = sessions.begin(opened);
  find(handle).logLevel = 'error';
  expect(find(handle).logLevel).toBe('error');
  expect(() => find(handle, sessions, 'key_b')).toThrow('The session is unknown');
  expect(() => find(handle, sessions, 'key_a', 's2')).toThrow('The session is unknown');
  expect(sessions.read(`${handle}A`)).toBeNull();
});

test('one whose worker is gone is taken up by another, as it was opened, and once ended there it stays so', () => {
  const handle = sessions.begin(opened);
  const other = createGatewaySessions({ sealer, clock, home: 'two' });
  const taken = find(handle, other);
  expect(taken).toMatchObject(opened);
  expect(find(handle, other)).toBe(taken);
  other.end(taken);
  expect(() => find(handle, other)).toThrow('The session is unknown');
  other.close();
});

test('one that is not used ends, unless a call or a stream of it is open', () => {
  const [idle, busy] = [sessions.begin(opened), sessions.begin(opened)];
  let cancelled = 0;
  find(busy).calls.set('1', () => cancelled++);
  vi.advanceTimersByTime(bounds.gatewaySessionIdleMs * 1.2);
  expect(() => find(idle)).toThrow('The session is unknown');
  sessions.end(find(busy));
  expect(cancelled).toBe(1);
});

test('a principal who opens too many loses the one that was idle longest, and nobody else does', () => {
  const other = sessions.begin({ ...opened, principalId: 'key_b' });
  const own = Array.from({ length: bounds.gatewaySessionsPerPrincipalMax + 1 }, () => sessions.begin(opened));
  expect(() => find(own[0] ?? '')).toThrow('The session is unknown');
  expect(find(own[1] ?? '')).toMatchObject(opened);
  expect(find(other, sessions, 'key_b').principalId).toBe('key_b');
});

test('a client that says more of itself than a handle holds is refused, and keeps nothing here', () => {
  expect(() => sessions.begin({ ...opened, info: `"${'x'.repeat(bounds.sessionHandleBytesMax)}"` })).toThrow('`capabilities` or `clientInfo` is too long');
});
