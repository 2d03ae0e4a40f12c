import type { Schemas } from '@gatewayops/sdk';
import { expect, test } from 'vitest';
import { alike } from './alike.ts';

type Event = Schemas['AuditEvent'];

const at = (minute: number, action: string, actor = 'psn_ana', result: Event['result'] = 'success'): Event => ({
  id: `aud_${minute}`,
  sequence: minute,
  time: new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString(),
  actor: { kind: 'user', id: actor, name: null },
  action,
  object: { kind: 'key', id: `key_${minute}` },
  result,
  ip: null,
  request_id: null,
  detail: {},
  hash: null,
  previous_hash: null,
  key_id: null,
  signature: null,
});

const said = (events: readonly Event[]): unknown => alike(events).map(({ newest, oldest, count }) => [newest.id, oldest.id, count]);

test('what is alike is one line though others stand between, and those keep their place by time', () => {
  expect(said([at(50, 'key.created'), at(40, 'policy.changed'), at(30, 'key.created'), at(20, 'key.created')])).toEqual([
    ['aud_50', 'aud_20', 3],
    ['aud_40', 'aud_40', 1],
  ]);
});

test('by another, with another result or an hour later it is another line', () => {
  expect(said([at(50, 'key.created'), at(49, 'key.created', 'psn_bob'), at(48, 'key.created', 'psn_ana', 'denied')])).toHaveLength(3);
  expect(said([at(190, 'key.created'), at(100, 'key.created'), at(40, 'key.created')])).toEqual([
    ['aud_190', 'aud_190', 1],
    ['aud_100', 'aud_40', 2],
  ]);
});
