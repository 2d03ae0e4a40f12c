/** The members that differ between two values, by their path; what is absent on one side is empty there. */
export interface MemberChange {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** Deeper members are shown whole. */
const depthMax = 4;

export function changesOf(before: unknown, after: unknown): readonly MemberChange[] {
  if (before === undefined && after === undefined) return [];
  const found: MemberChange[] = [];
  compare(before, after, '', 0, found);
  return found;
}

/** What the thing is called that an event is about, where its detail says so: as it was made, as it is after the event, as it was before. */
export function nameIn(detail: Readonly<Record<string, unknown>>): string | null {
  const names = [detail, detail['user'], detail['after'], detail['before']].map((one) => (isMap(one) ? one['name'] : undefined));
  return names.find((name): name is string => typeof name === 'string' && name !== '') ?? null;
}

function compare(before: unknown, after: unknown, path: string, depth: number, found: MemberChange[]): void {
  if (isMap(before ?? {}) && isMap(after ?? {}) && (isMap(before) || isMap(after)) && depth < depthMax) {
    const [old, now] = [(before ?? {}) as Record<string, unknown>, (after ?? {}) as Record<string, unknown>];
    for (const name of new Set([...Object.keys(old), ...Object.keys(now)]))
      compare(old[name], now[name], path === '' ? name : `${path}.${name}`, depth + 1, found);
    return;
  }
  const [old, now] = [textOf(before), textOf(after)];
  if (old !== now) found.push({ path: path === '' ? 'value' : path, before: old, after: now });
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
