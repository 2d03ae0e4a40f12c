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

/** The lines between two stops. */
function lines(from: number, to: number): string {
  let path = '';
  for (let index = from; index < to; index += 1) path += `M${at(index) + 4} ${middle}H${at(index + 1) - 4}`;
  return path;
}

/** Lines of no length: round ends make them dots. */
function dots(from: number, to: number): string {
  let path = '';
  for (let index = from; index < to; index += 1) path += `M${at(index)} ${middle}h0`;
  return path;
}

function rings(from: number): string {
  let path = '';
  for (let index = from; index <= last; index += 1) path += `M${at(index) - 2.5} ${middle}a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0`;
  return path;
}

/** Where a call ended, `stop`, and how. A call of which nothing is known has passed no stop. */
export function Rail({ stop, status, large = false }: { readonly stop: string; readonly status: Status; readonly large?: boolean }): ReactElement {
  const known = stops.findIndex((name) => name === stop);
  const ended = status === 'unknown' ? -1 : known === -1 ? 0 : known;
  const passed = status === 'success' ? stops.length : ended;
  const label = status === 'success' ? 'Passed all stops' : ended === -1 ? 'Nobody knows how it ended' : `${statusWord(status)} at ${stops[ended]}`;
  return (
    <svg viewBox={`0 0 ${width} 12`} width={large ? 168 : width} height={large ? 24 : 12} role="img" aria-label={label} className="shrink-0 overflow-visible">
      <title>{label}</title>
      {/* A list draws hundreds: a few paths for each, not a shape for each stop. */}
      {passed > 0 && <path d={lines(0, Math.min(passed, last))} className="fill-none stroke-ink-3" strokeWidth={1.5} />}
      {passed > 0 && <path d={dots(0, passed)} className="fill-none stroke-ink-3" strokeWidth={6} strokeLinecap="round" />}
      {passed < last && <path d={lines(Math.max(passed, 0), last)} className="fill-none stroke-control" strokeWidth={1} strokeDasharray="2 2" />}
      {passed < last && <path d={rings(passed + 1)} className="fill-none stroke-control" strokeWidth={1} />}
      {ended >= 0 && status !== 'success' && <Mark status={status} x={at(ended)} />}
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
