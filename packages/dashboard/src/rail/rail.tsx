/**
 * The rail: the six stops of every call on a line. Passed is a filled dot; where a call stopped stands a shape that is known without its
 * colour, and the line goes on dashed behind it.
 */
import type { ReactElement } from 'react';

export const stops = ['auth', 'access', 'limit', 'guard', 'server', 'reply'] as const;

export const statuses = ['success', 'error', 'timeout', 'blocked', 'waiting', 'cancelled', 'unknown'] as const;
export type Status = (typeof statuses)[number];

const words: Readonly<Record<Status, string>> = {
  success: 'ok',
  error: 'error',
  timeout: 'timeout',
  blocked: 'blocked',
  waiting: 'waiting',
  cancelled: 'cancelled',
  unknown: 'unknown',
};

export function statusWord(status: Status): string {
  return words[status];
}

const width = 84;
const middle = 6;
const at = (index: number): number => 6 + (index * (width - 12)) / (stops.length - 1);

const last = stops.length - 1;

const r = 3;

/** Passed stops and the lines between them, as one shape. */
function passedShape(passed: number): string {
  let path = '';
  for (let index = 0; index < passed; index += 1) path += `M${at(index) - r} ${middle}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
  for (let index = 0; index < Math.min(passed, last); index += 1) path += `M${at(index) + 4} ${middle - 0.75}H${at(index + 1) - 4}v1.5H${at(index) + 4}Z`;
  return path;
}

/** What was not reached: dashes and rings, as one line. */
function aheadLine(passed: number): string {
  let path = '';
  for (let index = Math.max(passed, 0); index < last; index += 1)
    for (let x = at(index) + 4; x < at(index + 1) - 4; x += 4) path += `M${x} ${middle}h${Math.min(2, at(index + 1) - 4 - x)}`;
  for (let index = passed + 1; index <= last; index += 1) path += `M${at(index) - 2.5} ${middle}a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0`;
  return path;
}

interface Shape {
  readonly label: string;
  readonly passed: string;
  readonly ahead: string;
  /** Where the shape of the outcome stands; null where all went well or nothing is known. */
  readonly mark: number | null;
}

/** There are few ways to end, and lists draw hundreds. */
const shapes = new Map<string, Shape>();

function shapeOf(stop: string, status: Status): Shape {
  const name = `${stop} ${status}`;
  const drawn = shapes.get(name);
  if (drawn !== undefined) return drawn;
  const known = stops.findIndex((one) => one === stop);
  const ended = status === 'unknown' ? -1 : known === -1 ? 0 : known;
  const passed = status === 'success' ? stops.length : ended;
  const shape = {
    label: status === 'success' ? 'Passed all stops' : ended === -1 ? 'Outcome unknown' : `${statusWord(status)} at ${stops[ended]}`,
    passed: passedShape(passed),
    ahead: passed < last ? aheadLine(passed) : '',
    mark: ended >= 0 && status !== 'success' ? at(ended) : null,
  };
  // Names of stops are the gateway's; of a later one too there are few.
  if (shapes.size < 100) shapes.set(name, shape);
  return shape;
}

/** Where a call ended, `stop`, and how. A call of which nothing is known has passed no stop. */
export function Rail({ stop, status, large = false }: { readonly stop: string; readonly status: Status; readonly large?: boolean }): ReactElement {
  const { label, passed, ahead, mark } = shapeOf(stop, status);
  return (
    <svg viewBox={`0 0 ${width} 12`} width={large ? 168 : width} height={large ? 24 : 12} role="img" aria-label={label} className="shrink-0 overflow-visible">
      {passed !== '' && <path d={passed} className="fill-ink-3" />}
      {ahead !== '' && <path d={ahead} className="fill-none stroke-control" strokeWidth={1} />}
      {mark !== null && <Mark status={status} x={mark} />}
    </svg>
  );
}

/** The shape of an outcome, twelve units wide, around `x`. */
export function Mark({ status, x = middle }: { readonly status: Status; readonly x?: number }): ReactElement {
  const y = middle;
  switch (status) {
    case 'error':
    case 'timeout':
      return (
        <g>
          <path d={octagon(x, y, 5.4)} className="fill-error-solid" />
          <path d={`M${x} ${y - 2.8}V${y + 0.6}M${x} ${y + 2}V${y + 2.9}`} className="fill-none stroke-surface" strokeWidth={1.4} />
        </g>
      );
    case 'blocked':
      return (
        <g className="fill-none stroke-blocked-solid" strokeWidth={1.6}>
          <circle cx={x} cy={y} r={4} className="fill-surface" />
          <path d={`M${x - 2.6} ${y + 2.6}L${x + 2.6} ${y - 2.6}`} />
        </g>
      );
    case 'waiting':
      return (
        <g className="animate-[waiting_2s_ease-in-out_infinite] fill-none stroke-waiting-solid" strokeWidth={1.5}>
          <circle cx={x} cy={y} r={4} className="fill-surface" />
          <path d={`M${x} ${y - 2.4}V${y}H${x + 2}`} />
        </g>
      );
    case 'cancelled':
      return <path d={`M${x - 3} ${y - 3}L${x + 3} ${y + 3}M${x + 3} ${y - 3}L${x - 3} ${y + 3}`} className="fill-none stroke-ink-3" strokeWidth={1.6} />;
    case 'unknown':
      return <circle cx={x} cy={y} r={3.5} className="fill-none stroke-ink-3" strokeWidth={1} strokeDasharray="2 1.5" />;
    case 'success':
      return <circle cx={x} cy={y} r={3} className="fill-ink-3" />;
  }
}

function octagon(x: number, y: number, r: number): string {
  const points = Array.from({ length: 8 }, (_, index) => {
    const angle = ((index + 0.5) * Math.PI) / 4;
    return `${(x + r * Math.cos(angle)).toFixed(2)} ${(y + r * Math.sin(angle)).toFixed(2)}`;
  });
  return `M${points.join('L')}Z`;
}

const tones: Readonly<Record<Status, string>> = {
  success: 'text-ink-3',
  error: 'text-error',
  timeout: 'text-error',
  blocked: 'text-blocked',
  waiting: 'text-waiting',
  cancelled: 'text-ink-2',
  unknown: 'text-ink-3',
};

/** Shape and word; what went well is quiet. */
export function StatusWord({ status }: { readonly status: Status }): ReactElement {
  return (
    <span className={`inline-flex items-center gap-1.5 whitespace-nowrap ${tones[status]}`}>
      <svg viewBox="0 0 12 12" width={12} height={12} aria-hidden="true" className="shrink-0">
        <Mark status={status} />
      </svg>
      {statusWord(status)}
    </span>
  );
}

/** The sign of the house. */
export function Logo(): ReactElement {
  return (
    <svg viewBox="0 0 84 12" width={72} height={12} aria-hidden="true" className="shrink-0">
      <path d="M6 6H78" className="stroke-ink" strokeWidth={1.5} />
      {stops.map((name, index) => (
        <circle key={name} cx={at(index)} cy={middle} r={index === 4 ? 4.5 : 3} className={index === 4 ? 'fill-accent' : 'fill-ink'} />
      ))}
    </svg>
  );
}
