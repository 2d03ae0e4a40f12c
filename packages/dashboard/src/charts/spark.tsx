import type { ReactElement } from 'react';

/** A line without axes, for beside a number that says the same in words. Gaps are gaps. */
export function Spark({
  values,
  width = 120,
  height = 28,
}: {
  readonly values: readonly (number | null)[];
  readonly width?: number;
  readonly height?: number;
}): ReactElement {
  const known = values.filter((value) => value !== null);
  const most = Math.max(...known, 0);
  const step = values.length > 1 ? width / (values.length - 1) : width;
  const y = (value: number): string => (most === 0 ? height - 1 : height - 1 - (value / most) * (height - 3)).toFixed(1);
  // A line begins anew behind a gap.
  const path = values
    .map((value, index) => (value === null ? '' : `${index === 0 || values[index - 1] === null ? 'M' : 'L'}${(index * step).toFixed(1)} ${y(value)}`))
    .join('');
  // A value between two gaps is no line, and is seen as a dot.
  const dots = values
    .map((value, index) =>
      value === null || (values[index - 1] ?? null) !== null || (values[index + 1] ?? null) !== null ? '' : `M${(index * step).toFixed(1)} ${y(value)}h0`,
    )
    .join('');
  return (
    <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true" className="h-7 w-full">
      <path d={path} className="fill-none stroke-ink-3" strokeWidth={1.25} vectorEffect="non-scaling-stroke" strokeLinejoin="round" />
      {dots !== '' && <path d={dots} className="fill-none stroke-ink-3" strokeWidth={2.5} strokeLinecap="round" vectorEffect="non-scaling-stroke" />}
    </svg>
  );
}
