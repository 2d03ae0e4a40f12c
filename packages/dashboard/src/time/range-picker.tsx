import { Popover } from '@base-ui/react/popover';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Clock3 } from 'lucide-react';
import { useState, type FormEvent, type ReactElement } from 'react';
import { setAppearance, useAppearance } from '../app/appearance.ts';
import { Button } from '../ui/button.tsx';
import { clockText } from './moment.ts';
import { defaultRange, lengthOf, presets, rangeText } from './range.ts';

/** The window of time of the pages that have one: presets, a length of one's own, or two moments. */
export function RangePicker({ open, onOpenChange }: { readonly open: boolean; readonly onOpenChange: (open: boolean) => void }): ReactElement {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const { zone } = useAppearance();
  const chosen = search.from !== undefined && search.to !== undefined ? `${clockText(search.from, zone)} – ${clockText(search.to, zone)}` : rangeText(search);
  const short = search.from !== undefined && search.to !== undefined ? 'period' : (search.range ?? defaultRange);
  const choose = (change: { range?: string; from?: string; to?: string }): void => {
    onOpenChange(false);
    void navigate({ to: '.', search: (old) => ({ ...old, range: undefined, from: undefined, to: undefined, ...change }) });
  };
  return (
    <Popover.Root open={open} onOpenChange={onOpenChange}>
      <Popover.Trigger className="flex h-8 shrink-0 items-center gap-1.5 rounded-control border border-control bg-surface px-2.5 whitespace-nowrap hover:bg-sunken pointer-coarse:h-10">
        <Clock3 size={14} aria-hidden="true" />
        <span className="sr-only">Time range: </span>
        <span className="hidden sm:inline">{chosen}</span>
        <span className="sm:hidden">{short}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner align="end" sideOffset={6} className="z-30">
          <Popover.Popup className="w-72 rounded-panel border border-hairline bg-surface p-3 shadow-[0_8px_24px_var(--shadow)] outline-none">
            <Popover.Title className="pb-2 text-meta text-ink-3">Show the last</Popover.Title>
            <div className="grid grid-cols-3 gap-1">
              {presets.map((range) => (
                <Button
                  key={range}
                  look={range === (search.range ?? defaultRange) && search.from === undefined ? 'primary' : 'plain'}
                  onClick={() => choose({ range })}
                >
                  {range}
                </Button>
              ))}
            </div>
            <OwnRange from={search.from} to={search.to} onChoose={choose} />
            <Zone />
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

interface OwnRangeProps {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly onChoose: (change: { range?: string; from?: string; to?: string }) => void;
}

function OwnRange({ from: chosenFrom, to: chosenTo, onChoose }: OwnRangeProps): ReactElement {
  const { zone } = useAppearance();
  const [problem, setProblem] = useState<string | null>(null);
  const field = 'h-8 w-full rounded-control border border-control bg-canvas px-2 text-table pointer-coarse:h-10';
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => {
      const value = form.get(name);
      return typeof value === 'string' ? value.trim() : '';
    };
    const words = text('words');
    if (words !== '') {
      if (lengthOf(words) !== null) return onChoose({ range: words });
      const { readSpokenRange } = await import('./spoken-range.ts');
      const read = readSpokenRange(words, zone, Date.now());
      return 'problem' in read ? setProblem(read.problem) : onChoose(read);
    }
    // A field for a moment says none of a zone: it is the one in which all times are shown.
    const moment = (name: string): Date => new Date(zone === 'utc' ? `${text(name)}Z` : text(name));
    const [from, to] = [moment('from'), moment('to')];
    if (Number.isNaN(from.getTime()) || Number.isNaN(to.getTime())) setProblem('Enter a phrase, or both a start and an end.');
    else if (from >= to) setProblem('The end must be after the beginning.');
    else onChoose({ from: from.toISOString(), to: to.toISOString() });
  };
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="mt-3 flex flex-col gap-2 border-t border-hairline pt-3">
      <label className="flex flex-col gap-1 text-meta text-ink-2">
        {zone === 'utc' ? 'In words (UTC)' : 'In words'}
        <input name="words" placeholder="90m, yesterday, friday 14:00" maxLength={100} autoComplete="off" className={field} />
      </label>
      <label className="flex flex-col gap-1 text-meta text-ink-2">
        From{zone === 'utc' && ' (UTC)'}
        <input key={fieldText(chosenFrom, zone)} name="from" type="datetime-local" step="1" defaultValue={fieldText(chosenFrom, zone)} className={field} />
      </label>
      <label className="flex flex-col gap-1 text-meta text-ink-2">
        To{zone === 'utc' && ' (UTC)'}
        <input key={fieldText(chosenTo, zone)} name="to" type="datetime-local" step="1" defaultValue={fieldText(chosenTo, zone)} className={field} />
      </label>
      {problem !== null && (
        <p role="alert" className="text-meta text-error">
          {problem}
        </p>
      )}
      <Button type="submit">Show</Button>
    </form>
  );
}

/** A moment as its field has it: to the second, of the zone in which all times are shown. */
function fieldText(time: string | undefined, zone: 'local' | 'utc'): string {
  const date = new Date(time ?? '');
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - (zone === 'utc' ? 0 : date.getTimezoneOffset() * 60_000)).toISOString().slice(0, 19);
}

/** In which zone times are written and shown. */
function Zone(): ReactElement {
  const { zone } = useAppearance();
  return (
    <div role="group" aria-label="Times are" className="mt-3 flex gap-1 border-t border-hairline pt-3">
      {(['local', 'utc'] as const).map((one) => (
        <Button
          key={one}
          className="flex-1"
          look={one === zone ? 'primary' : 'plain'}
          aria-pressed={one === zone}
          title={one === 'utc' ? undefined : Intl.DateTimeFormat().resolvedOptions().timeZone}
          onClick={() => setAppearance({ zone: one })}
        >
          {one === 'utc' ? 'UTC' : 'Local'}
        </Button>
      ))}
    </div>
  );
}
