import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Answer, DialogueSink } from '../fabric/dialogue.ts';
import type { Route } from '../fabric/endpoint.ts';
import { bounds } from '../kernel/bounds.ts';
import { systemClock } from '../kernel/clock.ts';
import { createSealer } from '../kernel/seal.ts';
import { createParks, digestOf, type Parks, type ParkTicket } from './parks.ts';
import { UnderWay } from './under-way.ts';

const owner = { principalId: 'key_a', digest: digestOf('s', 'tools/call', '{"name":"x"}') };
let parks: Parks;

/** A request under way at a server that the test plays: what the gateway tells it. */
function underWay(): { one: UnderWay; sink: DialogueSink; told: string[] } {
  const told: string[] = [];
  let sink: DialogueSink | null = null;
  const dialogue = { answer: (key: string, answer: Answer) => void told.push(key + JSON.stringify(answer)), cancel: () => void told.push('cancel') };
  const servers = {
    begin(_request: unknown, given: DialogueSink) {
      sink = given;
      return dialogue;
    },
  };
  const route = { rewriteAsk: (ask: unknown) => ask };
  const one = new UnderWay(servers, route as unknown as Route, {} as never, null);
  if (sink === null) throw new Error('it was not begun');
  return { one, sink, told };
}

function ticketOf(state: string): ParkTicket {
  const ticket = parks.read(state);
  if (ticket === null) throw new Error('the state is not one of these parks');
  return ticket;
}

beforeEach(() => {
  vi.useFakeTimers();
  parks = createParks({ sealer: createSealer(Buffer.alloc(32, 7)), clock: systemClock, home: 'one' });
});
afterEach(() => {
  parks.close();
  vi.useRealTimers();
});

test('what comes while nobody listens is kept for whoever comes back: notifications up to a bound, and the end', () => {
  const { one, sink } = underWay();
  const state = parks.park(one, owner);
  for (let index = 0; index < bounds.parkNotificationsMax + 5; index++) sink.notification(Buffer.from(String(index)));
  sink.response({ kind: 'result', result: '{}', bytes: 2 });
  const seen: string[] = [];
  parks.take(ticketOf(state), owner).listen({
    notification: (json) => void seen.push(json.toString()),
    ask: () => undefined,
    response: () => void seen.push('end'),
    failed: () => undefined,
  });
  expect(seen).toEqual([...Array.from({ length: bounds.parkNotificationsMax }, (_, index) => String(index)), 'end']);
});

test('M13: a request whose client does not come back in time is cancelled at its server, and its state is refused', () => {
  const { one, told } = underWay();
  const ticket = ticketOf(parks.park(one, owner));
  vi.advanceTimersByTime(bounds.parkMs + 1);
  expect(told).toEqual(['cancel']);
  expect(() => parks.take(ticket, owner)).toThrow('`requestState` has expired');
});

test('a caller who parks too many loses the oldest of their own, and nobody else does', () => {
  const other = underWay();
  parks.park(other.one, { ...owner, principalId: 'key_b' });
  const own = Array.from({ length: bounds.parksPerPrincipalMax + 1 }, underWay);
  for (const { one } of own) parks.park(one, owner);
  expect([other.told, ...own.map(({ told }) => told)].filter((told) => told.length > 0)).toEqual([['cancel']]);
  expect(own[0]?.told).toEqual(['cancel']);
});

test('M13: a state that was edited in any place, cut or lengthened is none of this gateway', () => {
  const { one, told } = underWay();
  const state = parks.park(one, owner);
  fc.assert(
    fc.property(fc.nat(state.length - 1), fc.constantFrom('A', 'b', '0', '9', '-', '_', '=', '.'), (at, character) => {
      if (state[at] === character) return;
      expect(parks.read(`${state.slice(0, at)}${character}${state.slice(at + 1)}`)).toBeNull();
      expect(parks.read(state.slice(0, at))).toBeNull();
    }),
  );
  for (const text of ['', `${state}A`, `${state}=`, ` ${state}`, state.toUpperCase(), 'x'.repeat(100_000)]) expect(parks.read(text)).toBeNull();
  expect(told).toEqual([]);
  expect(parks.take(ticketOf(state), owner)).toBe(one);
});

test('M13: a state is good once, for its caller and its request alone; whoever else sends it changes nothing', () => {
  const { one, told } = underWay();
  const state = parks.park(one, owner);
  expect(() => parks.take(ticketOf(state), { ...owner, principalId: 'key_b' })).toThrow('was given to another caller');
  expect(() => parks.take(ticketOf(state), { ...owner, digest: digestOf('s', 'tools/call', '{"name":"y"}') })).toThrow(
    'belongs to another method or other parameters',
  );
  expect(parks.take(ticketOf(state), owner)).toBe(one);
  for (let again = 0; again < 2; again++) expect(() => parks.take(ticketOf(state), owner)).toThrow('was used already');
  expect(told).toEqual([]);
});

test('a state is none of another key, and says nothing of what is in it', () => {
  const state = parks.park(underWay().one, owner);
  expect(Buffer.from(state, 'base64url').toString('latin1')).not.toContain('key_a');
  expect(createParks({ sealer: createSealer(Buffer.alloc(32, 8)), clock: systemClock, home: 'one' }).read(state)).toBeNull();
});

test('the digest is of what is asked, however it is written and whatever a retry adds', () => {
  const digest = digestOf('s', 'tools/call', '{"name":"x","arguments":{"a":[1,{"b":2,"c":3}]}}');
  expect(
    digestOf('s', 'tools/call', '{ "arguments": {"a":[1,{"c":3,"b":2}]}, "name":"x","_meta":{"progressToken":1},"requestState":"s","inputResponses":{}}'),
  ).toBe(digest);
  for (const other of ['{"name":"y","arguments":{"a":[1,{"b":2,"c":3}]}}', '{"name":"x","arguments":{"a":[{"b":2,"c":3},1]}}'])
    expect(digestOf('s', 'tools/call', other)).not.toBe(digest);
  expect(digestOf('t', 'tools/call', '{"name":"x","arguments":{"a":[1,{"b":2,"c":3}]}}')).not.toBe(digest);
});
