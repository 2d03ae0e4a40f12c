/** From so many failures of 100 calls on a server is failing. */
export const failingMin = 20;

interface HowItFails {
  /** Its last calls were well. */
  readonly isOver: boolean;
  /** The first of the last steps that all failed so; null where that is over, or no step before it was well. */
  readonly since: string | null;
}

/** Of one server, as the API has it. */
interface Series {
  readonly start_times: readonly string[];
  readonly groups: readonly { readonly series: { readonly error_percent: readonly (number | null)[] } }[];
}

/** Null where there was no call. */
export function howItFails({ start_times: times, groups }: Series): HowItFails | null {
  const failed = groups[0]?.series.error_percent ?? [];
  // Of a step without a call nothing is known.
  const known = failed.flatMap((percent, index) => (percent === null ? [] : [{ percent, time: times[index] ?? null }]));
  if (known.length === 0) return null;
  const well = known.findLastIndex(({ percent }) => percent < failingMin);
  return { isOver: well === known.length - 1, since: well === -1 ? null : (known[well + 1]?.time ?? null) };
}
