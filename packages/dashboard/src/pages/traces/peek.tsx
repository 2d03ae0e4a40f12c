import { Link } from '@tanstack/react-router';
import { Maximize2, X } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { boundedPeek, peekWidths, setAppearance, useAppearance } from '../../app/appearance.ts';
import type { SpanTab } from '../trace/span-detail.tsx';
import type { SpanFilter } from '../trace/span-filter.tsx';
import { TraceActions } from '../trace/trace-actions.tsx';
import { TraceView } from '../trace/trace-view.tsx';

/** One trace beside the list, which goes on being used: j and k change what is shown here. Over it where it has no room beside it, below it on narrow screens. */
export function Peek({ traceId, onClose }: { readonly traceId: string; readonly onClose: () => void }): ReactElement {
  const [tab, setTab] = useState<SpanTab>('summary');
  const [filter, setFilter] = useState<SpanFilter>({ find: undefined, isHiding: false });
  const [span, setSpan] = useState<{ readonly of: string; readonly id: string } | null>(null);
  const { peekWidth } = useAppearance();
  const icon = 'flex size-8 items-center justify-center rounded-control text-ink-3 hover:bg-sunken hover:text-ink pointer-coarse:size-10';
  return (
    <aside
      aria-label="The trace"
      className="flex min-h-0 flex-col border-hairline bg-surface max-lg:absolute max-lg:inset-x-0 max-lg:bottom-0 max-lg:z-20 max-lg:h-[70dvh] max-lg:border-t max-lg:shadow-[0_-8px_24px_var(--shadow)] lg:w-(--peek) lg:max-w-[80%] lg:border-l lg:max-[1440px]:absolute lg:max-[1440px]:inset-y-0 lg:max-[1440px]:right-0 lg:max-[1440px]:z-20 lg:max-[1440px]:shadow-[-8px_0_24px_var(--shadow)] min-[1440px]:relative min-[1440px]:shrink-0"
      style={{ ['--peek' as string]: `${peekWidth}px` }}
    >
      <Edge width={peekWidth} />
      <TraceView
        key={traceId}
        traceId={traceId}
        spanId={span?.of === traceId ? span.id : null}
        tab={tab}
        onSpan={(id) => setSpan({ of: traceId, id })}
        onTab={setTab}
        filter={filter}
        onFilter={setFilter}
        isNarrow
        actions={
          <div className="flex items-center gap-1">
            <TraceActions traceId={traceId} />
            <Link to="/traces/$traceId" params={{ traceId }} title="Open as a page (⇧↵)" aria-label="Open as a page" className={icon}>
              <Maximize2 size={15} aria-hidden="true" />
            </Link>
            <button type="button" onClick={onClose} title="Close (Esc)" aria-label="Close" className={icon}>
              <X size={16} aria-hidden="true" />
            </button>
          </div>
        }
      />
    </aside>
  );
}

/** A window splitter (WAI-ARIA): drawn with the mouse, or moved by the arrows; a double click makes it as wide as it was at first. */
function Edge({ width }: { readonly width: number }): ReactElement {
  const set = (pixels: number): void => setAppearance({ peekWidth: boundedPeek(pixels) });
  const arrows: Readonly<Record<string, number>> = { ArrowLeft: 40, ArrowRight: -40 };
  return (
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the trace"
      aria-valuenow={width}
      aria-valuemin={peekWidths.least}
      aria-valuemax={peekWidths.most}
      tabIndex={0}
      onDoubleClick={() => set(peekWidths.usual)}
      onKeyDown={({ key }) => {
        const by = arrows[key];
        if (by !== undefined) set(width + by);
      }}
      onPointerDown={({ currentTarget, pointerId }) => currentTarget.setPointerCapture(pointerId)}
      onPointerMove={({ currentTarget, pointerId, clientX }) => {
        if (currentTarget.hasPointerCapture(pointerId)) set((currentTarget.parentElement?.getBoundingClientRect().right ?? clientX + width) - clientX);
      }}
      className="absolute inset-y-0 -left-1 z-10 w-2 cursor-col-resize touch-none outline-offset-[-2px] hover:bg-accent-soft max-lg:hidden"
    />
  );
}
