import type { ReactElement } from 'react';
import { useChosenInSight } from './chosen-in-sight.ts';

interface TabsProps<Id extends string> {
  /** What a screen reader calls them together. */
  readonly label: string;
  readonly tabs: readonly (readonly [id: Id, title: string])[];
  readonly chosen: Id;
  readonly onChoose: (id: Id) => void;
  readonly className?: string;
}

/** The names of the parts of a page, of which one is shown. */
export function Tabs<Id extends string>({ label, tabs, chosen, onChoose, className = '' }: TabsProps<Id>): ReactElement {
  const row = useChosenInSight<HTMLDivElement>(chosen);
  return (
    <div ref={row} role="tablist" aria-label={label} className={`flex shrink-0 gap-1 overflow-x-auto border-b border-hairline ${className}`}>
      {tabs.map(([id, title]) => (
        <button
          key={id}
          type="button"
          role="tab"
          aria-selected={chosen === id}
          onClick={() => onChoose(id)}
          className={`h-9 shrink-0 border-b-2 px-2 whitespace-nowrap pointer-coarse:h-11 ${chosen === id ? 'border-accent font-medium' : 'border-transparent text-ink-2 hover:text-ink'}`}
        >
          {title}
        </button>
      ))}
    </div>
  );
}
