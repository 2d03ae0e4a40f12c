import { expect, test } from 'vitest';
import { isEdited, isLink, searchOf, stateOf, unknownParameters } from './view-state.ts';

test('a view keeps the query, the columns and the time of the address, and nothing of what is open in it', () => {
  expect(stateOf('traces', { q: 'tool:x', cols: 'time,what', peek: 'tr_1', live: '1', view: 'view_1' })).toEqual({
    q: 'tool:x',
    cols: 'time,what',
    range: '24h',
  });
  expect(stateOf('traces', { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z', range: '1h' })).toEqual({
    from: '2026-01-01T00:00:00Z',
    to: '2026-01-02T00:00:00Z',
  });
});

test('it is edited where the address says anything else, and no more once it says the same', () => {
  const view = { state: { q: 'tool:x', range: '24h' } };
  expect(isEdited('traces', view, { q: 'tool:x', range: '24h', peek: 'tr_1' })).toBe(false);
  expect(isEdited('traces', view, { q: 'tool:x' })).toBe(false);
  for (const other of [{}, { q: 'tool:y' }, { q: 'tool:x', cols: 'time' }, { q: 'tool:x', range: '1h' }]) expect(isEdited('traces', view, other)).toBe(true);
});

test('what it does not keep is not there once it is applied, and what no page knows is left out and named', () => {
  const view = { state: { q: 'tool:x', range: 'for ever', colour: 'blue' } };
  expect(searchOf('traces', view.state)).toEqual({ q: 'tool:x', cols: undefined, range: '24h', from: undefined, to: undefined });
  expect(unknownParameters('traces', view)).toEqual(['range', 'colour']);
  expect(isEdited('traces', view, searchOf('traces', view.state))).toBe(false);
});

test('an address that names a view and no time is a link to it; one that a view was applied to is none', () => {
  expect(isLink({ view: 'view_1', q: 'tool:y' })).toBe(true);
  expect(isLink({ view: 'view_1', ...searchOf('traces', {}) })).toBe(false);
  expect(isLink({ q: 'tool:y' })).toBe(false);
});
