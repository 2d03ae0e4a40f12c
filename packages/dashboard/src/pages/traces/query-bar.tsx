import { FaultError } from '@gatewayops/sdk';
import { Search, X } from 'lucide-react';
import { useId, useRef, useState, type ReactElement } from 'react';
import { useShortcuts } from '../../app/shortcuts.ts';
import { termAt, termsOf, withoutTerm } from './query-text.ts';
import { MarkedText } from '../../ui/marked-text.tsx';

const fields = ['server', 'tool', 'status', 'user', 'team', 'agent', 'key', 'client', 'code', 'dur', 'cost', 'policy', 'session', 'env', 'method', 'has'];

interface QueryBarProps {
  readonly query: string;
  readonly onCommit: (query: string) => void;
  /** Of the last question; where it is about the query, it is shown at its place. */
  readonly error: unknown;
  /** Values that were seen, for completion. */
  readonly known: ReadonlyMap<string, readonly string[]>;
}

/** The query as text: Enter asks, Escape takes the draft back. What the gateway does not understand is marked, and the rows of before stay. */
export function QueryBar({ query, onCommit, error, known }: QueryBarProps): ReactElement {
  const [draft, setDraft] = useState(query);
  const [at, setAt] = useState<number | null>(null);
  const [hasFocus, setHasFocus] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const list = useId();
  const [committed, setCommitted] = useState(query);
  if (committed !== query) {
    setCommitted(query);
    setDraft(query);
  }
  useShortcuts([
    {
      keys: '/',
      about: 'Write a query',
      run: () => {
        input.current?.focus();
        input.current?.select();
      },
    },
  ]);
  const problem = problemOf(error);
  const wrongAt = problem === null ? -1 : termAt(query, problem.column);
  const wrong = termsOf(query)[wrongAt];
  const offers = hasFocus ? offersFor(draft, known) : [];
  const take = (offer: string): void => {
    setDraft(`${draft.slice(0, draft.length - lastWord(draft).length)}${offer}`);
    setAt(null);
    input.current?.focus();
  };
  const commit = (): void => {
    setAt(null);
    onCommit(draft.trim());
  };
  return (
    <div className="relative min-w-0 flex-1">
      <div
        className={`flex min-h-8 items-center gap-2 rounded-control border bg-surface px-2.5 pointer-coarse:min-h-10 ${problem === null ? 'border-control' : 'border-error-solid'} focus-within:outline-2 focus-within:outline-accent`}
      >
        <Search size={14} aria-hidden="true" className="shrink-0 text-ink-3" />
        <input
          ref={input}
          role="combobox"
          aria-label="Query"
          aria-expanded={offers.length > 0}
          aria-controls={list}
          aria-activedescendant={at === null ? undefined : `${list}-${at}`}
          aria-invalid={problem !== null}
          value={draft}
          spellCheck={false}
          autoComplete="off"
          placeholder="server:github -status:ok dur:>2s, or any text"
          className="min-w-0 flex-1 bg-transparent py-1 font-mono text-meta outline-none placeholder:text-ink-3"
          onChange={(event) => {
            setDraft(event.target.value);
            setAt(null);
          }}
          onFocus={() => setHasFocus(true)}
          // A click on an offer comes after the loss of the focus.
          onBlur={() => setTimeout(() => setHasFocus(false), 120)}
          onKeyDown={(event) => {
            if (event.key === 'ArrowDown' && offers.length > 0) setAt(at === null ? 0 : Math.min(offers.length - 1, at + 1));
            else if (event.key === 'ArrowUp' && at !== null) setAt(at === 0 ? null : at - 1);
            else if ((event.key === 'Enter' || event.key === 'Tab') && at !== null) take(offers[at] ?? '');
            else if (event.key === 'Enter') commit();
            else if (event.key === 'Escape') {
              setDraft(query);
              event.currentTarget.blur();
            } else return;
            event.preventDefault();
          }}
        />
        {draft !== '' && (
          <button
            type="button"
            aria-label="Clear the query"
            className="text-ink-3 hover:text-ink"
            onClick={() => {
              setDraft('');
              onCommit('');
            }}
          >
            <X size={14} aria-hidden="true" />
          </button>
        )}
      </div>
      {offers.length > 0 && (
        <div
          id={list}
          role="listbox"
          aria-label="Suggestions"
          className="absolute inset-x-0 top-full z-20 mt-1 max-h-64 overflow-y-auto rounded-panel border border-hairline bg-surface py-1 shadow-[0_8px_24px_var(--shadow)]"
        >
          {offers.map((offer, index) => (
            <div
              key={offer}
              id={`${list}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              onPointerDown={(event) => {
                event.preventDefault();
                take(offer);
              }}
              className={`cursor-pointer px-3 py-1 font-mono text-meta ${index === at ? 'bg-sunken' : 'hover:bg-sunken'}`}
            >
              {offer}
            </div>
          ))}
        </div>
      )}
      {problem !== null && (
        <div role="alert" className="mt-1 text-meta">
          <MarkedText text={query} column={problem.column} length={problem.length} />
          <p className="text-error">
            {problem.message} Write {problem.expected}.{' '}
            {wrong !== undefined && (
              <button type="button" className="text-accent hover:underline" onClick={() => onCommit(withoutTerm(query, wrongAt))}>
                Search without <code className="font-mono">{wrong.text}</code>
              </button>
            )}
          </p>
        </div>
      )}
    </div>
  );
}

/** Each term as a chip that a click takes out. */
export function QueryChips({ query, onChange }: { readonly query: string; readonly onChange: (query: string) => void }): ReactElement | null {
  const terms = termsOf(query);
  if (terms.length === 0) return null;
  return (
    <ul aria-label="Terms of the query" className="flex flex-wrap gap-1">
      {terms.map(({ text }, index) => (
        <li key={`${text} ${String(index)}`}>
          <button
            type="button"
            title={`Without ${text}`}
            onClick={() => onChange(withoutTerm(query, index))}
            className="inline-flex items-center gap-1 rounded-control border border-hairline bg-surface px-1.5 font-mono text-meta text-ink-2 hover:bg-sunken"
          >
            {text}
            <X size={12} aria-hidden="true" />
          </button>
        </li>
      ))}
    </ul>
  );
}

interface Problem {
  readonly column: number;
  readonly length: number;
  readonly expected: string;
  readonly message: string;
}

export function problemOf(error: unknown): Problem | null {
  if (!(error instanceof FaultError) || error.code !== 'query_invalid') return null;
  const { column, length, expected } = error.details;
  return typeof column === 'number' && typeof length === 'number' ? { column, length, expected: String(expected), message: error.message } : null;
}

function lastWord(text: string): string {
  return /[^\s()]*$/.exec(text)?.[0] ?? '';
}

function offersFor(draft: string, known: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const word = lastWord(draft);
  const [, minus = '', field, begun = ''] = /^(-?)([a-z]+):(.*)$/.exec(word) ?? [];
  if (field !== undefined)
    return (known.get(field) ?? [])
      .filter((value) => value.startsWith(begun) && value !== begun)
      .slice(0, 12)
      .map((value) => `${minus}${field}:${value}`);
  if (word === '' || word === '-') return [];
  const sign = word.startsWith('-') ? '-' : '';
  return fields.filter((name) => name.startsWith(word.slice(sign.length)) && word !== '').map((name) => `${sign}${name}:`);
}
