/** Calls over time by outcome. What went well is paper-grey; what did not stands on top in its colour, and in the table beside it in words. */
import { useId, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactElement } from 'react';
import { useAppearance } from '../app/appearance.ts';
import { statusWord, type Status } from '../rail/rail.tsx';
import { countText } from '../text/format.ts';
import { axisText, clockText } from '../time/moment.ts';
import type { Marker } from './marker.ts';

export interface Bucket {
  readonly start_time: string;
  readonly calls: number;
  readonly outcomes: Readonly<Record<Status, number>>;
}

const layers: readonly (readonly [Status, string])[] = [
  ['success', 'fill-control opacity-50'],
  ['cancelled', 'fill-ink-3'],
  ['unknown', 'fill-ink-3'],
  ['waiting', 'fill-waiting-solid'],
  ['blocked', 'fill-blocked-solid'],
  ['timeout', 'fill-error-solid'],
  ['error', 'fill-error-solid'],
];

interface OutcomeBarsProps {
  readonly buckets: readonly Bucket[];
  readonly bucketMs: number;
  readonly height?: number;
  /** What was changed meanwhile. */
  readonly markers?: readonly Marker[];
  /** With times below, and what the highest bar is. */
  readonly hasAxis?: boolean;
  /** A part was chosen by dragging, or a bar by a click or Enter. */
  readonly onChoose?: (from: string, to: string) => void;
}

export function OutcomeBars({ buckets, bucketMs, height = 72, markers = noMarkers, hasAxis = false, onChoose }: OutcomeBarsProps): ReactElement {
  const { zone } = useAppearance();
  const [at, setAt] = useState<number | null>(null);
  const [from, setFrom] = useState<number | null>(null);
  const place = useRef<SVGSVGElement>(null);
  const help = useId();
  const most = Math.max(1, ...buckets.map(({ calls }) => calls));
  const indexAt = (event: PointerEvent): number => {
    const box = place.current?.getBoundingClientRect();
    return box === undefined ? 0 : Math.min(buckets.length - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * buckets.length)));
  };
  const choose = (first: number, last: number): void => {
    const [begin, end] = [buckets[Math.min(first, last)], buckets[Math.max(first, last)]];
    if (begin === undefined || end === undefined) return;
    onChoose?.(begin.start_time, new Date(Date.parse(end.start_time) + bucketMs).toISOString());
  };
  const onKey = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (by !== 0) setAt((old) => Math.min(buckets.length - 1, Math.max(0, (old ?? -by) + by)));
    else if (event.key === 'Enter' && at !== null) choose(at, at);
    else if (event.key === 'Escape') setFrom(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const shown = at === null ? undefined : buckets[at];
  const begin = Date.parse(buckets[0]?.start_time ?? '');
  const marks = markers.map(({ at: seconds, text }) => ({ x: (seconds * 1000 - begin) / bucketMs, text })).filter(({ x }) => x >= 0 && x <= buckets.length);
  return (
    <div className="relative">
      {/* It is moved through by arrow keys, as a group of bars; the table of the page says the same in words. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <svg
        ref={place}
        viewBox={`0 0 ${buckets.length} ${height}`}
        preserveAspectRatio="none"
        height={height}
        role="group"
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        aria-label="Calls over time by outcome"
        aria-describedby={help}
        className="block w-full touch-pan-y"
        onKeyDown={onKey}
        onPointerMove={(event) => setAt(indexAt(event))}
        onPointerLeave={() => setAt(null)}
        onPointerDown={(event) => {
          if (onChoose === undefined) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setFrom(indexAt(event));
        }}
        onPointerUp={(event) => {
          if (from !== null) choose(from, indexAt(event));
          setFrom(null);
        }}
      >
        {buckets.map((bucket, index) => {
          let top = height;
          return layers.map(([status, look]) => {
            const calls = bucket.outcomes[status];
            if (calls === 0) return null;
            // What is seldom must be seen: at least two pixels.
            const tall = Math.max(status === 'success' ? 1 : 2, (calls / most) * (height - 4));
            top -= tall;
            return <rect key={`${bucket.start_time} ${status}`} x={index + 0.1} width={0.8} y={Math.max(0, top)} height={tall} className={look} />;
          });
        })}
        {marks.map(({ x, text }) => (
          <path key={`${x} ${text}`} d={`M${x} 0V${height}`} className="fill-none stroke-accent" strokeDasharray="2 3" vectorEffect="non-scaling-stroke" />
        ))}
        {at !== null && <rect x={Math.min(at, from ?? at)} width={Math.abs(at - (from ?? at)) + 1} y={0} height={height} className="fill-accent opacity-15" />}
      </svg>
      <p id={help} className="sr-only">
        Arrow keys move from step to step, Enter shows only that step.
      </p>
      <p aria-live="polite" className="pointer-events-none absolute top-0 left-2 truncate text-meta text-ink-2">
        {shown === undefined ? (
          hasAxis && <span className="rounded-control bg-surface px-1 text-ink-3">highest: {callsText(most)}</span>
        ) : (
          <span className="rounded-control bg-surface px-1">
            {[clockText(shown.start_time, zone), outcomesText(shown), ...marks.filter(({ x }) => Math.floor(x) === at).map(({ text }) => text)]
              .slice(0, 5)
              .join(' · ')}
          </span>
        )}
      </p>
      {hasAxis && (
        <p aria-hidden="true" className="flex justify-between border-t border-hairline px-1 pt-0.5 text-meta text-ink-3">
          {axisText(
            // Halves of quarters stand too close on a narrow screen.
            [0, 0.25, 0.5, 0.75, 1].map((part) => (begin + Math.round(part * buckets.length) * bucketMs) / 1000),
            zone,
          ).map((text, index) => (
            <span key={index} className={index % 2 === 1 ? 'max-sm:hidden' : ''}>
              {text}
            </span>
          ))}
        </p>
      )}
    </div>
  );
}

function outcomesText({ calls, outcomes }: Bucket): string {
  const parts = layers
    .filter(([status]) => status !== 'success' && outcomes[status] > 0)
    .map(([status]) => `${countText(outcomes[status])} ${statusWord(status)}`);
  return [callsText(calls), ...parts].join(', ');
}

function callsText(calls: number): string {
  return `${countText(calls)} ${calls === 1 ? 'call' : 'calls'}`;
}

const noMarkers: readonly Marker[] = [];
