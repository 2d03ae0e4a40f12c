import { Popover } from '@base-ui/react/popover';
import { ArrowDown, ArrowUp, Columns3 } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import type { Column } from '../../table/data-table.tsx';
import { Button, buttonLook } from '../../ui/button.tsx';

interface ColumnChooserProps {
  readonly columns: readonly Pick<Column<object>, 'id' | 'title'>[];
  readonly shown: readonly string[];
  readonly byDefault: readonly string[];
  /** Null: those that every list begins with. */
  readonly onChange: (shown: readonly string[] | null) => void;
}

/** Which columns, and in which order. */
export function ColumnChooser({ columns, shown, byDefault, onChange }: ColumnChooserProps): ReactElement {
  const ordered = [...shown, ...columns.map(({ id }) => id).filter((id) => !shown.includes(id))];
  const titles = new Map(columns.map(({ id, title }) => [id, title]));
  const [dragged, setDragged] = useState<string | null>(null);
  const drop = (at: number): void => {
    if (dragged === null) return;
    const others = shown.filter((id) => id !== dragged);
    const next = others.toSpliced(at, 0, dragged);
    setDragged(null);
    if (next.join() !== shown.join()) onChange(next);
  };
  const swap = (index: number, by: 1 | -1): void => {
    const next = [...shown];
    const [one] = next.splice(index, 1);
    if (one !== undefined) next.splice(index + by, 0, one);
    onChange(next);
  };
  return (
    <Popover.Root>
      <Popover.Trigger className={buttonLook()}>
        <Columns3 size={14} aria-hidden="true" /> <span className="max-sm:sr-only">Columns</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner align="end" sideOffset={6} className="z-30">
          <Popover.Popup className="w-60 rounded-panel border border-hairline bg-surface py-2 shadow-[0_8px_24px_var(--shadow)] outline-none">
            <Popover.Title className="px-3 pb-1 text-meta text-ink-3">Columns</Popover.Title>
            <ul>
              {ordered.map((id) => {
                const index = shown.indexOf(id);
                return (
                  <li key={id}>
                    <div
                      draggable={index >= 0}
                      onDragStart={() => setDragged(id)}
                      onDragEnd={() => setDragged(null)}
                      onDragOver={(event) => dragged !== null && index >= 0 && event.preventDefault()}
                      onDrop={() => drop(index)}
                      className={`flex h-8 items-center gap-2 px-3 ${index >= 0 ? 'cursor-grab' : ''} ${dragged === id ? 'bg-sunken opacity-60' : ''}`}
                    >
                      <label className="flex min-w-0 flex-1 items-center gap-2">
                        <input
                          type="checkbox"
                          checked={index >= 0}
                          disabled={index >= 0 && shown.length === 1}
                          onChange={() => onChange(index >= 0 ? shown.filter((one) => one !== id) : [...shown, id])}
                          className="size-3.5 accent-(--accent)"
                        />
                        {titles.get(id)}
                      </label>
                      {index > 0 && (
                        <button
                          type="button"
                          aria-label={`${titles.get(id)} further left`}
                          onClick={() => swap(index, -1)}
                          className="text-ink-3 hover:text-ink"
                        >
                          <ArrowUp size={14} aria-hidden="true" />
                        </button>
                      )}
                      {index >= 0 && index < shown.length - 1 && (
                        <button
                          type="button"
                          aria-label={`${titles.get(id)} further right`}
                          onClick={() => swap(index, 1)}
                          className="text-ink-3 hover:text-ink"
                        >
                          <ArrowDown size={14} aria-hidden="true" />
                        </button>
                      )}
                    </div>
                  </li>
                );
              })}
            </ul>
            <div className="border-t border-hairline px-2 pt-2">
              <Button look="quiet" disabled={shown.join() === byDefault.join()} onClick={() => onChange(null)}>
                Reset
              </Button>
            </div>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
