import { expect, test } from 'vitest';
import { closedJson } from './cut-json.ts';

const text = JSON.stringify({
  result: {
    tools: [
      { name: 'a "b", {c}', n: 1.5 },
      { name: 'd\\', on: true, none: null, list: [[], {}, [1, 2]] },
    ],
  },
  id: 7,
});

test('wherever a text is cut, what is left is read as JSON and has only members that were whole', () => {
  const whole = JSON.parse(text) as unknown;
  for (let end = 1; end <= text.length; end += 1) {
    const closed = closedJson(text.slice(0, end));
    expect(closed, `cut after ${end}`).toBeDefined();
    expect(isWithin(JSON.parse(closed ?? '') as unknown, whole), `cut after ${end}: ${closed}`).toBe(true);
  }
  expect(JSON.parse(closedJson(text) ?? '')).toEqual(whole);
});

test('of what is no JSON, or has not begun, nothing is made up', () => {
  for (const none of ['', '12', '"a', 'event: message']) expect(closedJson(none)).toBeUndefined();
});

/** Nothing in `part` that `all` has not. */
function isWithin(part: unknown, all: unknown): boolean {
  if (typeof part !== 'object' || part === null) return part === all;
  return (
    typeof all === 'object' &&
    all !== null &&
    Array.isArray(part) === Array.isArray(all) &&
    Object.entries(part).every(([name, value]) => isWithin(value, (all as Record<string, unknown>)[name]))
  );
}
