/** What somebody wrote, laid on what somebody else has written meanwhile. */

/** What is written, by name: texts, lists of texts, or nothing. */
export type Fields = Readonly<Record<string, unknown>>;

export interface FieldChange {
  readonly field: string;
  readonly before: unknown;
  readonly theirs: unknown;
  readonly mine: unknown;
  /** Both have changed it, and not to the same. */
  readonly isBoth: boolean;
}

/** What the other has changed, field by field, and what one has there oneself. */
export function changesOf(before: Fields, theirs: Fields, mine: Fields): readonly FieldChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(theirs)])].flatMap((field) => {
    if (isSame(before[field], theirs[field])) return [];
    const isMine = !isSame(before[field], mine[field]);
    return [{ field, before: before[field], theirs: theirs[field], mine: mine[field], isBoth: isMine && !isSame(theirs[field], mine[field]) }];
  });
}

/** Theirs, with what was changed here on top: of lists what was put in and taken out, of all else the whole. */
export function merged<Written extends Fields>(before: Fields, theirs: Fields, mine: Written): Written {
  const names = new Set([...Object.keys(theirs), ...Object.keys(mine)]);
  const fields = [...names].flatMap((field): [string, unknown][] => {
    const value = mergedValue(before[field], theirs[field], mine[field]);
    return value === undefined ? [] : [[field, value]];
  });
  return Object.fromEntries(fields) as Written;
}

function mergedValue(before: unknown, theirs: unknown, mine: unknown): unknown {
  if (isSame(before, mine)) return theirs;
  if (!Array.isArray(before) || !Array.isArray(theirs) || !Array.isArray(mine)) return mine;
  const [old, other, own] = [before, theirs, mine] as readonly (readonly unknown[])[];
  return [
    ...(other ?? []).filter((one) => own?.includes(one) === true || old?.includes(one) === false),
    ...(own ?? []).filter((one) => old?.includes(one) === false && other?.includes(one) === false),
  ];
}

/** Nothing is nothing, however it is written. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}
