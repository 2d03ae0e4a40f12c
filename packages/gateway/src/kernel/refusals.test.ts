import { expect, test } from 'vitest';
import { silentLog } from './log.ts';
import { Refusals } from './refusals.ts';

test('each refusal is said with its rule and whence it came; of a flood all are counted and few are said, with how many are not', () => {
  const said: unknown[] = [];
  let now = 0;
  const refusals = new Refusals({ ...silentLog, warn: (event, fields) => void said.push([event, fields]) }, { monotonicMs: () => now });
  const one = { requestId: 'req_1', peer: '192.0.2.1', bytes: 7 };
  refusals.note('unauthorized', one);
  expect(said).toEqual([['request.refused', { rule: 'unauthorized', request_id: 'req_1', peer: '192.0.2.1', bytes: 7 }]]);
  for (let i = 0; i < 1_000; i++) refusals.note('host_not_allowed', one);
  expect(said).toHaveLength(20);
  now = 1_000;
  refusals.note('unauthorized', one);
  expect(said.at(-1)).toEqual(['request.refused', expect.objectContaining({ rule: 'unauthorized', others_unsaid: 981 })]);
  expect(refusals.all()).toEqual({ unauthorized: 2, host_not_allowed: 1_000 });
});
