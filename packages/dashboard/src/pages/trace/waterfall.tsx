/** The calls of a trace on one axis of time: rows on screen only, a small picture of the whole above, the critical path marked. */
import { useVirtualizer } from '@tanstack/react-virtual';
import type { Schemas } from '@gatewayops/sdk';
import { ChevronDown, ChevronRight } from 'lucide-react';
import { memo, useCallback, useEffect, useMemo, useRef, type ReactElement } from 'react';
import { useAppearance } from '../../app/appearance.ts';
import { Mark, type Status } from '../../rail/rail.tsx';
import { durationText } from '../../text/format.ts';
import { operationText } from '../traces/trace-row.ts';
import type { CallSpan, TreeRow } from './tree-rows.ts';

interface WaterfallProps {
  readonly rows: readonly TreeRow[];
  readonly outline: Schemas['TraceOutline'];
  readonly startMs: number;
  readonly lengthMs: number;
  /** Places of calls; others are dim. Null: all are meant. */
  readonly meant: ReadonlySet<number> | null;
  /** Place of the call that is looked at. */
  readonly chosen: number | null;
  readonly onChoose: (span: CallSpan) => void;
  readonly onToggle: (id: string) => void;
  /** Calls at these places are on screen, or may soon be. */
  readonly onSight: (places: readonly number[]) => void;
}

const barLook: Readonly<Record<Status, string>> = {
  success: 'bg-ink-3',
  cancelled: 'bg-control',
  unknown: 'bg-control',
  waiting: 'bg-waiting-solid',
  blocked: 'bg-blocked-solid',
  error: 'bg-error-solid',
  timeout: 'bg-error-solid',
};
const height = 28;

/** Rows before and behind those on screen that are asked for with them. */
const sightAhead = 150;
/** Whoever drags through thousands does not ask for all of them. */
const sightEveryMs = 80;

export function Waterfall({ rows, outline, startMs, lengthMs, meant, chosen, onChoose, onToggle, onSight }: WaterfallProps): ReactElement {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => height, overscan: 10 });
  const items = virtual.getVirtualItems();
  const sight = useRef((): void => undefined);
  const telling = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(() => {
    const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
    sight.current = () => onSight(rows.slice(Math.max(0, first - sightAhead), last + sightAhead).map(({ place }) => place));
    telling.current ??= setTimeout(() => {
      telling.current = null;
      sight.current();
    }, sightEveryMs);
  });
  useEffect(
    () => () => {
      if (telling.current !== null) clearTimeout(telling.current);
      telling.current = null;
    },
    [],
  );
  const critical = useMemo(() => new Set(outline.start_ms.length > 1 ? outline.critical : []), [outline]);
  // The first may stand far below, unless somebody has begun to look for themselves; one that is clicked is on screen already.
  const isFirstShown = useRef(true);
  const isLookedFor = useRef(false);
  useEffect(() => {
    if (chosen === null) return;
    const isTooLate = isFirstShown.current && (isLookedFor.current || (scroller.current?.scrollTop ?? 0) > 0);
    isFirstShown.current = false;
    if (isTooLate) return;
    const index = rows.findIndex(({ place }) => place === chosen);
    if (index >= 0) virtual.scrollToIndex(index, { align: 'auto' });
    // Only where another is looked at, not where rows come in.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [chosen]);
  // A row is drawn again where it changes, not where what is to be done with it is a new function.
  const latest = useRef({ onChoose, onToggle });
  useEffect(() => {
    latest.current = { onChoose, onToggle };
  });
  const choose = useCallback((span: CallSpan) => latest.current.onChoose(span), []);
  const toggle = useCallback((id: string) => latest.current.onToggle(id), []);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <Minimap
        outline={outline}
        lengthMs={lengthMs}
        onJump={(share) => {
          isLookedFor.current = true;
          virtual.scrollToIndex(Math.floor(share * rows.length), { align: 'center' });
        }}
      />
      <div className="grid h-6 shrink-0 grid-cols-[minmax(160px,34%)_1fr] items-center border-b border-hairline bg-sunken text-meta text-ink-3">
        <span className="px-3">Call</span>
        <span className="relative h-full pr-3">
          {[0, 25, 50, 75].map((share) => (
            <span
              key={share}
              className={`absolute top-1 border-l border-hairline pl-1 whitespace-nowrap ${share % 50 === 0 ? '' : 'max-sm:hidden'}`}
              style={{ left: `${share}%` }}
            >
              {share === 0 ? '0' : durationText((lengthMs * share) / 100)}
            </span>
          ))}
        </span>
      </div>
      <div ref={scroller} className="min-h-0 flex-1 overflow-auto bg-surface" tabIndex={-1}>
        <div role="tree" aria-label="Calls of the trace" className="relative" style={{ height: virtual.getTotalSize() }}>
          {items.map(({ index, start }) => {
            const row = rows[index];
            if (row === undefined) return null;
            const { place } = row;
            const isDim = meant !== null && !meant.has(place);
            if (row.kind === 'ahead')
              return (
                <AheadRow
                  key={row.id}
                  top={start}
                  startMs={outline.start_ms[place] ?? 0}
                  ms={outline.duration_ms[place] ?? 0}
                  lengthMs={lengthMs}
                  isDim={isDim}
                />
              );
            const isCall = row.kind === 'call';
            return (
              <WaterfallRow
                key={row.id}
                row={row}
                top={start}
                startMs={startMs}
                lengthMs={lengthMs}
                isFirst={index === 0}
                isChosen={isCall && chosen === place}
                isDim={isDim}
                isCritical={isCall && critical.has(place)}
                onChoose={choose}
                onToggle={toggle}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface WaterfallRowProps extends Pick<WaterfallProps, 'startMs' | 'lengthMs' | 'onChoose' | 'onToggle'> {
  readonly row: Exclude<TreeRow, { kind: 'ahead' }>;
  /** Pixels below the first. */
  readonly top: number;
  readonly isFirst: boolean;
  readonly isChosen: boolean;
  readonly isCritical: boolean;
  readonly isDim: boolean;
}

/** While it is scrolled only the rows that come into sight are drawn. */
const WaterfallRow = memo(function WaterfallRow(props: WaterfallRowProps): ReactElement {
  const { row, top, startMs, lengthMs, isFirst, isChosen, isCritical, isDim, onChoose, onToggle } = props;
  const at = (time: string): number => ((Date.parse(time) - startMs) / lengthMs) * 100;
  const wide = (ms: number | null): number => Math.max(((ms ?? 0) / lengthMs) * 100, 0.15);
  const isCall = row.kind === 'call';
  const { span } = row;
  const [time, ms] = isCall ? [span.start_time, span.duration_ms] : [row.child.start_time, row.child.duration_ms];
  const name = isCall ? `${span.server} · ${span.tool ?? span.name ?? operationText(span.operation)}` : childName(row.child);
  return (
    <div
      role="treeitem"
      aria-level={row.depth + 1}
      aria-selected={isChosen}
      {...(isCall ? { 'aria-expanded': row.isOpen } : {})}
      tabIndex={isFirst || isChosen ? 0 : -1}
      onClick={() => onChoose(span)}
      onKeyDown={(event) => {
        if (event.target !== event.currentTarget) return;
        if (event.key === 'Enter') onChoose(span);
        else if (isCall && event.key === (row.isOpen ? 'ArrowLeft' : 'ArrowRight')) onToggle(span.id);
        else if (event.key === 'ArrowDown') focusBeside(event.currentTarget, 'nextElementSibling');
        else if (event.key === 'ArrowUp') focusBeside(event.currentTarget, 'previousElementSibling');
        else return;
        event.preventDefault();
      }}
      className={`absolute inset-x-0 grid h-7 cursor-pointer outline-offset-[-2px] grid-cols-[minmax(160px,34%)_1fr] items-center ${isDim ? 'opacity-45' : ''} ${isChosen ? 'bg-accent-soft shadow-[inset_2px_0_0_var(--accent)]' : 'hover:bg-canvas'}`}
      style={{ top }}
    >
      <span className="flex min-w-0 items-center gap-1 pr-2" style={{ paddingLeft: 12 + row.depth * 14 }}>
        {isCall ? (
          <button
            type="button"
            aria-label={row.isOpen ? 'Close' : 'Open'}
            onClick={(event) => {
              event.stopPropagation();
              onToggle(span.id);
            }}
            className="flex size-5 shrink-0 items-center justify-center rounded-control text-ink-3 hover:bg-sunken"
          >
            {row.isOpen ? <ChevronDown size={14} aria-hidden="true" /> : <ChevronRight size={14} aria-hidden="true" />}
          </button>
        ) : (
          <span className="w-5 shrink-0" />
        )}
        {isCall && span.status !== 'success' && (
          <svg viewBox="0 0 12 12" width={12} height={12} aria-hidden="true" className="shrink-0">
            <Mark status={span.status} />
          </svg>
        )}
        <span className={`truncate ${isCall ? '' : 'text-meta text-ink-2'}`} title={name}>
          {name}
        </span>
      </span>
      <span className="relative mr-3 h-full">
        <span
          className={`absolute rounded-[2px] forced-color-adjust-none ${isCall ? `top-2 h-3 ${barLook[span.status]}` : `top-2.5 h-2 ${row.child.status === 'error' ? 'bg-error-solid' : 'bg-control'}`} ${
            isCritical ? 'shadow-[0_3px_0_-1px_var(--accent)]' : ''
          }`}
          style={{ left: `min(${at(time).toFixed(3)}%, calc(100% - 2px))`, width: `max(${wide(ms).toFixed(3)}%, 2px)` }}
        />
        <Label at={at(time)} wide={wide(ms)} text={ms === null ? 'end unknown' : durationText(ms)} />
      </span>
    </div>
  );
});

interface AheadRowProps {
  readonly top: number;
  /** After the start of the trace. */
  readonly startMs: number;
  readonly ms: number;
  readonly lengthMs: number;
  readonly isDim: boolean;
}

/** A call whose name is on its way: when it was is known. */
const AheadRow = memo(function AheadRow({ top, startMs, ms, lengthMs, isDim }: AheadRowProps): ReactElement {
  return (
    <div
      role="treeitem"
      aria-busy="true"
      aria-label="A call that is loading"
      aria-selected="false"
      className={`absolute inset-x-0 grid h-7 grid-cols-[minmax(160px,34%)_1fr] items-center ${isDim ? 'opacity-45' : ''}`}
      style={{ top }}
    >
      <span className="ml-9 h-2 w-2/5 rounded-[2px] bg-sunken" />
      <span className="relative mr-3 h-full">
        <span
          className="absolute top-2 h-3 rounded-[2px] bg-hairline"
          style={{ left: `min(${((startMs / lengthMs) * 100).toFixed(3)}%, calc(100% - 2px))`, width: `max(${((ms / lengthMs) * 100).toFixed(3)}%, 2px)` }}
        />
      </span>
    </div>
  );
});

function focusBeside(row: HTMLElement, which: 'nextElementSibling' | 'previousElementSibling'): void {
  const next = row[which];
  if (next instanceof HTMLElement) next.focus();
}

/** Behind the bar where there is room, else before it, else on it. */
function Label({ at, wide, text }: { readonly at: number; readonly wide: number; readonly text: string }): ReactElement {
  const behind = at + wide < 82;
  const inside = !behind && at < 18;
  if (inside)
    return <span className="absolute top-2 right-1 rounded-[2px] bg-surface px-1 font-mono text-[11px] leading-3 whitespace-nowrap text-ink-2">{text}</span>;
  return (
    <span
      className="absolute top-1.5 font-mono text-meta whitespace-nowrap text-ink-3"
      style={behind ? { left: `calc(${(at + wide).toFixed(3)}% + 6px)` } : { right: `calc(${(100 - at).toFixed(3)}% + 6px)` }}
    >
      {text}
    </span>
  );
}

function childName({ kind, operation, target, outcome }: Extract<TreeRow, { kind: 'child' }>['child']): string {
  if (kind === 'stop') return operation.replace('gateway.', '');
  if (kind === 'try') return `try ${target ?? ''}: ${outcome === 'answered' ? 'answered' : (outcome ?? 'no answer')}`;
  if (kind === 'ask') return `the server asks: ${operationText(operation)}`;
  return operation;
}

/** All calls as lines on a canvas; a click goes there. */
function Minimap({
  outline,
  lengthMs,
  onJump,
}: Pick<WaterfallProps, 'outline' | 'lengthMs'> & { readonly onJump: (share: number) => void }): ReactElement | null {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { theme } = useAppearance();
  const lines = useMemo(() => {
    const bad = new Set(outline.not_ok.map(({ place }) => place));
    return outline.start_ms.map((start, place) => ({ from: start / lengthMs, wide: (outline.duration_ms[place] ?? 0) / lengthMs, isBad: bad.has(place) }));
  }, [outline, lengthMs]);
  useEffect(() => {
    const target = canvas.current;
    const context = target?.getContext('2d');
    if (target === null || context === null || context === undefined) return undefined;
    const draw = (): void => {
      const scale = devicePixelRatio;
      target.width = target.clientWidth * scale;
      target.height = target.clientHeight * scale;
      const style = getComputedStyle(target);
      const [good, bad] = [style.getPropertyValue('--minimap'), style.getPropertyValue('--minimap-bad')];
      const tall = Math.max(scale, Math.min(3 * scale, target.height / Math.max(1, lines.length)));
      for (const [index, { from, wide, isBad }] of lines.entries()) {
        context.fillStyle = isBad ? bad : good;
        context.fillRect(from * target.width, (index / lines.length) * (target.height - tall), Math.max(scale, wide * target.width), tall);
      }
    };
    // It is told the size at once, and draws then.
    const watch = new ResizeObserver(draw);
    watch.observe(target);
    return () => watch.disconnect();
    // The colours are those of the theme.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [lines, theme]);
  if (lines.length < 12) return null;
  return (
    <canvas
      ref={canvas}
      aria-hidden="true"
      onClick={(event) => onJump((event.clientY - event.currentTarget.getBoundingClientRect().top) / event.currentTarget.clientHeight)}
      className="h-12 w-full shrink-0 cursor-pointer border-b border-hairline bg-canvas [--minimap-bad:var(--error-solid)] [--minimap:var(--ink-3)]"
    />
  );
}
