import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDecisionId, readOpinion } from './opinion.ts';

const id = 'd-1';

describe('an answer', () => {
  test.each([
    [true, { decision: 'allow', decisionId: id }],
    [false, { decision: 'deny', decisionId: id, reason: null }],
    [{ allow: true }, { decision: 'allow', decisionId: id }],
    [
      { allow: false, reason: 'no' },
      { decision: 'deny', decisionId: id, reason: 'no' },
    ],
    [
      { decision: 'allow', reason: null },
      { decision: 'allow', decisionId: id },
    ],
    [
      { decision: 'hold', reason: 'ask' },
      { decision: 'hold', decisionId: id, reason: 'ask' },
    ],
    [undefined, { decision: 'none', decisionId: id, reason: 'undefined' }],
  ])('%j is a decision', (value, opinion) => {
    expect(readOpinion(value, id)).toEqual(opinion);
  });

  test.each([[null], [1], ['allow'], ['true'], [[true]], [{}], [{ allow: 'true' }], [{ allow: 1 }], [{ decision: 'ALLOW' }], [{ allow: true, reason: 7 }]])(
    '%j is none',
    (value) => {
      expect(readOpinion(value, id)).toEqual({ decision: 'none', decisionId: id, reason: 'unreadable' });
    },
  );

  test('that says two things says nothing', () => {
    expect(readOpinion({ allow: true, decision: 'deny' }, id).decision).toBe('none');
  });

  test('lets pass only where it plainly says so, whatever else it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { decision } = readOpinion(value, id);
        const said = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
        if (decision === 'allow') expect(value === true || said['allow'] === true || said['decision'] === 'allow').toBe(true);
      }),
    );
  });
});

test('the name of a decision is plain text, or none', () => {
  expect(['4b0d-11', 'a b', 'ä', '', 'x'.repeat(129), 7].map(readDecisionId)).toEqual(['4b0d-11', '', '', '', '', '']);
});
