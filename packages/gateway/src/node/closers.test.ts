import { expect, test } from 'vitest';
import { silentLog, type LogFields } from '../kernel/log.ts';
import { createClosers } from './closers.ts';

test('what was opened last is closed first, one after the other; a failure is logged and keeps nothing open', async () => {
  const events: string[] = [];
  const failures: (LogFields | undefined)[] = [];
  const closers = createClosers({ ...silentLog, warn: (_event, fields) => void failures.push(fields) });
  const error = new Error('stuck');
  closers.add('first', () => events.push('first'));
  closers.add('second', () => Promise.reject(error));
  closers.add('third', async () => {
    events.push('third begins');
    await new Promise(setImmediate);
    events.push('third ends');
  });
  await closers.closeAll();
  expect(events).toEqual(['third begins', 'third ends', 'first']);
  expect(failures).toEqual([{ part: 'second', error }]);
  await closers.closeAll();
  expect(events).toHaveLength(3);
});
