import type { Schemas } from '@gatewayops/sdk';
import { Pin } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { setAppearance, useAppearance } from '../../app/appearance.ts';
import { StatusWord, statuses, type Status } from '../../rail/rail.tsx';
import { countText, shortCount } from '../../text/format.ts';
import { isNoneAsked, onlyValue, quoted, toggleNone, toggleValue, valuesAsked, withoutValue } from './query-text.ts';

const titles: Readonly<Record<string, string>> = {
  status: 'Status',
  server: 'Server',
  tool: 'Tool',
  agent: 'Agent',
  user: 'User',
  team: 'Team',
  key: 'Key',
  client: 'Client',
};
const shownFirst = 6;

interface FacetsProps {
  readonly facets: Schemas['TraceFacets']['facets'];
  readonly query: string;
  readonly onChange: (query: string) => void;
  readonly isStale: boolean;
}

/** How the calls of the query are spread: each box is a term of the query, and the bar above says the same. */
export function Facets({ facets, query, onChange, isStale }: FacetsProps): ReactElement {
  const { pinnedFacets } = useAppearance();
  return (
    <div className={`flex flex-col gap-4 ${isStale ? 'opacity-60' : ''}`} aria-busy={isStale}>
      {facets
        .toSorted((a, b) => Number(pinnedFacets.includes(b.name)) - Number(pinnedFacets.includes(a.name)))
        .filter(({ values }) => values.some(({ value }) => value !== null))
        .map((facet) => (
          <Facet key={facet.name} facet={facet} query={query} onChange={onChange} />
        ))}
    </div>
  );
}

function Facet({
  facet: { name, values, truncated },
  query,
  onChange,
}: {
  readonly facet: FacetsProps['facets'][number];
  readonly query: string;
  readonly onChange: FacetsProps['onChange'];
}): ReactElement {
  const [all, setAll] = useState(false);
  const { pinnedFacets } = useAppearance();
  const isPinned = pinnedFacets.includes(name);
  const asked = valuesAsked(query, name);
  const title = titles[name] ?? name;
  // What is asked for stays in sight, with its count where there is one.
  const missing = asked.filter((value) => !values.some((one) => one.value === value)).map((value) => ({ value, calls: 0 }));
  const rows = [...values, ...missing];
  const most = Math.max(1, ...rows.map(({ calls }) => calls));
  return (
    <fieldset className="group/facet min-w-0">
      <legend className="flex w-full items-center justify-between pb-1 text-meta text-ink-3">
        {title}
        <button
          type="button"
          aria-label={`Pin ${title}`}
          aria-pressed={isPinned}
          title={isPinned ? 'Pinned to the top in this browser' : 'Pin to the top in this browser'}
          onClick={() => setAppearance({ pinnedFacets: isPinned ? pinnedFacets.filter((one) => one !== name) : [...pinnedFacets, name] })}
          className={`flex size-6 items-center justify-center rounded-control hover:bg-sunken ${isPinned ? 'text-accent' : 'text-ink-3 opacity-0 group-focus-within/facet:opacity-100 group-hover/facet:opacity-100 pointer-coarse:opacity-100'}`}
        >
          <Pin size={12} aria-hidden="true" />
        </button>
      </legend>
      {rows.slice(0, all ? rows.length : shownFirst).map(({ value, calls }) => {
        const isAsked = value === null ? isNoneAsked(query, name) : asked.includes(value);
        return (
          <div key={value ?? '\0'} className="group relative flex h-6 items-center gap-2 pointer-coarse:h-10">
            <div
              className="pointer-events-none absolute inset-y-0.5 left-5 rounded-control bg-sunken"
              style={{ width: `calc((100% - 20px) * ${(calls / most).toFixed(3)})` }}
            />
            <label className="relative flex min-w-0 flex-1 cursor-pointer items-center gap-2">
              <input
                type="checkbox"
                checked={isAsked}
                onChange={() => onChange(value === null ? toggleNone(query, name) : toggleValue(query, name, value))}
                className="size-3.5 shrink-0 accent-(--accent)"
              />
              <span className="min-w-0 truncate" title={value ?? undefined}>
                {name === 'status' && isStatus(value) ? <StatusWord status={value} /> : (value ?? <i className="text-ink-3">none</i>)}
              </span>
            </label>
            {value !== null && (
              <button
                type="button"
                title={`Only ${name}:${quoted(value)}`}
                onClick={() => onChange(onlyValue(query, name, value))}
                className="relative hidden text-meta text-accent group-focus-within:inline group-hover:inline"
              >
                only
              </button>
            )}
            {value !== null && (
              <button
                type="button"
                title={`Without ${name}:${quoted(value)}`}
                onClick={() => onChange(withoutValue(query, name, value))}
                className="relative hidden text-meta text-accent group-focus-within:inline group-hover:inline"
              >
                not
              </button>
            )}
            <span className="relative shrink-0 text-meta text-ink-3" title={countText(calls)}>
              {shortCount(calls)}
            </span>
          </div>
        );
      })}
      {rows.length > shownFirst && (
        <button type="button" onClick={() => setAll(!all)} className="text-meta text-accent hover:underline">
          {all ? 'Fewer' : `${rows.length - shownFirst}${truncated ? '+' : ''} more`}
        </button>
      )}
    </fieldset>
  );
}

function isStatus(value: string | null): value is Status {
  return statuses.some((status) => status === value);
}
