import { useState, type ReactElement } from 'react';
import { Field } from './field.tsx';

interface CheckListProps {
  readonly legend: string;
  readonly items: readonly { readonly id: string; readonly name: string; readonly about?: string }[];
  readonly chosen: ReadonlySet<string>;
  readonly onChange: (chosen: ReadonlySet<string>) => void;
  readonly nothing: string;
}

/** Above so many it can be narrowed. */
const longList = 12;

/** Some of many, by ticks; those that are chosen stay in sight however the list is narrowed. */
export function CheckList({ legend, items, chosen, onChange, nothing }: CheckListProps): ReactElement {
  const [find, setFind] = useState('');
  const wanted = find.trim().toLowerCase();
  const shown = items.filter(({ id, name }) => chosen.has(id) || `${name} ${id}`.toLowerCase().includes(wanted));
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChange(next);
  };
  return (
    <fieldset className="flex min-w-0 flex-col gap-1">
      <legend className="mb-1 text-meta text-ink-2">{legend}</legend>
      {items.length > longList && <Field label="Find" value={find} maxLength={100} onChange={(event) => setFind(event.target.value)} />}
      {items.length === 0 && <p className="text-ink-3">{nothing}</p>}
      <div className="flex max-h-56 flex-col overflow-y-auto">
        {shown.map(({ id, name, about }) => (
          <label key={id} className="flex min-h-7 items-center gap-2 pointer-coarse:min-h-10">
            <input type="checkbox" checked={chosen.has(id)} onChange={() => toggle(id)} className="size-3.5 shrink-0 accent-(--accent)" />
            <span className="min-w-0 truncate">
              {name} {about !== undefined && <span className="text-ink-3">{about}</span>}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
