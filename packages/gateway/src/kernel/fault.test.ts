import { expect, test } from 'vitest';
import { Fault } from './fault.ts';

test.each([
  ['name: Name of the server.', /name: Name of the server\.$/],
  ['the path .. leads out', /the path \.\. leads out\.?$/],
  ['it goes on …', /it goes on …\.?$/],
])('a reason that is a sentence of its own ends once, and dots that are meant stay: %s', (reason, expected) => {
  expect(new Fault('invalid_request', { reason }).message).toMatch(expected);
});
