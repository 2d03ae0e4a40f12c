import type { ReactElement } from 'react';
import { countText, pluralText } from '../../text/format.ts';
import { Button } from '../../ui/button.tsx';

/** Which calls of a trace are meant. */
export interface SpanFilter {
  readonly find: string | undefined;
  /** The others are left out; else they are dim. */
  readonly isHiding: boolean;
}

interface SpanFilterBarProps {
  readonly filter: SpanFilter;
  readonly found: number | null;
  readonly all: number;
  readonly onChange: (filter: SpanFilter) => void;
}

export function SpanFilterBar({ filter: { find, isHiding }, found, all, onChange }: SpanFilterBarProps): ReactElement {
  return (
    <div role="search" className="flex shrink-0 flex-wrap items-center gap-2 border-b border-hairline px-3 py-1.5">
      <input
        aria-label="Find calls in this trace"
        placeholder="A tool, a server, a status: github error"
        value={find ?? ''}
        maxLength={100}
        autoComplete="off"
        onChange={(event) => onChange({ find: event.target.value === '' ? undefined : event.target.value, isHiding })}
        className="h-7 min-w-32 flex-1 rounded-control border border-control bg-canvas px-2 text-table text-ink placeholder:text-ink-3 pointer-coarse:h-10"
      />
      {found !== null && (
        <>
          <span role="status" className="text-meta text-ink-2">
            {countText(found)} of {pluralText(all, 'call')}
          </span>
          <Button look="quiet" aria-pressed={isHiding} onClick={() => onChange({ find, isHiding: !isHiding })}>
            {isHiding ? 'Dim the others' : 'Hide the others'}
          </Button>
        </>
      )}
    </div>
  );
}
