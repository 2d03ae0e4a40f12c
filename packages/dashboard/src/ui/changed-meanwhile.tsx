/** A change that meets another's: what they wrote is shown beside what is typed here, and nothing of either is lost. */
import { FaultError, NotFoundError } from '@gatewayops/sdk';
import { TriangleAlert } from 'lucide-react';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import { Button } from './button.tsx';
import { changesOf, merged, type Fields } from './merge.ts';
import { SmallTable } from './small-table.tsx';

/** What there is, as it was read. */
export interface Seen<Written extends Fields> {
  readonly version: number;
  readonly fields: Written;
  readonly by?: string | null;
}

interface Meeting<Written extends Fields> {
  /** What is written goes on what is there; `null`: they have taken it away. */
  readonly theirs: Seen<Written> | null;
  readonly before: Seen<Written>;
}

export interface Versioned<Written extends Fields> {
  readonly meeting: Meeting<Written> | null;
  /** Sends with the version that was seen. Where somebody else has written meanwhile, what they wrote is read, and the fault is thrown on. */
  send<Answer>(write: (version: number) => Promise<Answer>): Promise<Answer>;
  /** Goes on from what they wrote. */
  settle(): void;
}

/**
 * `opened`: what the form began with. It stays that, however often the page asks anew: a version that was not looked at would overwrite what it holds.
 * `read`: what there is now.
 */
export function useVersioned<Written extends Fields>(opened: Seen<Written>, read: () => Promise<Seen<Written>>): Versioned<Written> {
  const [before, setBefore] = useState(opened);
  const [meeting, setMeeting] = useState<Meeting<Written> | null>(null);
  return {
    meeting,
    async send(write) {
      try {
        return await write(before.version);
      } catch (error) {
        if (isMeeting(error)) setMeeting({ before, theirs: await orGone(read) });
        throw error;
      }
    },
    settle() {
      if (meeting !== null) setBefore(meeting.theirs ?? { ...before, version: 0 });
      setMeeting(null);
    },
  };
}

/** What another has written, or taken away. */
function isMeeting(error: unknown): boolean {
  return error instanceof FaultError && (error.code === 'precondition_failed' || error.code === 'unknown_object');
}

async function orGone<Written extends Fields>(read: () => Promise<Seen<Written>>): Promise<Seen<Written> | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

interface ChangedMeanwhileProps<Written extends Fields> {
  readonly versioned: Versioned<Written>;
  readonly mine: Written;
  readonly titles: Readonly<Record<string, string>>;
  /** Puts this into the form. */
  readonly onTake?: (fields: Written) => void;
  /** Nothing is written: it is to go. */
  readonly deleting?: boolean;
  /** It can be made anew under its name. */
  readonly canMakeAnew?: boolean;
}

/** What the other has changed, and how to go on; nothing while nobody has. */
export function ChangedMeanwhile<Written extends Fields>({
  versioned,
  mine,
  titles,
  onTake,
  deleting = false,
  canMakeAnew = false,
}: ChangedMeanwhileProps<Written>): ReactElement | null {
  const { meeting, settle } = versioned;
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    if (meeting !== null) place.current?.scrollIntoView({ block: 'nearest' });
  }, [meeting]);
  if (meeting === null) return null;
  const { before, theirs } = meeting;
  const take = (fields: Written): void => {
    settle();
    onTake?.(fields);
  };
  const changes = theirs === null ? [] : changesOf(before.fields, theirs.fields, mine);
  const isNew = before.version === 0;
  return (
    <section
      ref={place}
      role="alert"
      aria-label="Changed in the meantime"
      className="flex flex-col gap-2 rounded-panel border border-warn-solid bg-warn-soft p-3"
    >
      <p className="flex items-start gap-2 font-medium">
        <TriangleAlert size={16} aria-hidden="true" className="mt-0.5 shrink-0 text-warn" />
        {theirs === null
          ? 'Somebody has deleted this in the meantime.'
          : isNew
            ? 'One with this name already exists:'
            : `${theirs.by ?? 'Somebody'} has changed this in the meantime. ${deleting ? 'Review it first.' : 'Nothing you wrote is lost.'}`}
      </p>
      {changes.length > 0 && (
        <SmallTable titles={['', ...(isNew ? [] : ['Before']), 'Now', ...(deleting ? [] : ['Yours'])]} left={4}>
          {changes.map((change) => (
            <tr key={change.field} className="border-t border-hairline align-top">
              <th scope="row" className="px-3 py-1 text-left font-normal whitespace-nowrap text-ink-2">
                {titles[change.field] ?? change.field}
              </th>
              {!isNew && <td className="px-3 py-1 break-words text-ink-2">{textOf(change.before)}</td>}
              <td className="px-3 py-1 break-words">{textOf(change.theirs)}</td>
              {!deleting && (
                <td className={`px-3 py-1 break-words ${change.isBoth ? 'font-medium text-warn' : 'text-ink-3'}`}>
                  {change.isBoth ? `${textOf(change.mine)} · you changed it too` : 'unchanged'}
                </td>
              )}
            </tr>
          ))}
        </SmallTable>
      )}
      {theirs !== null && changes.length === 0 && <p className="text-ink-2">Its content is the same as when you opened it.</p>}
      <div className="flex flex-wrap items-center gap-2">
        {deleting && theirs !== null && <Button onClick={() => take(theirs.fields)}>Delete it as it is now</Button>}
        {!deleting && (theirs !== null || canMakeAnew) && (
          <Button onClick={() => take(theirs === null || isNew ? mine : merged(before.fields, theirs.fields, mine))}>
            {theirs === null ? 'Create it again' : isNew ? 'Replace it with mine' : 'Apply mine on top'}
          </Button>
        )}
        {!deleting && theirs !== null && (
          <Button look="quiet" onClick={() => take(theirs.fields)}>
            Use theirs
          </Button>
        )}
        <span className="text-meta text-ink-2">
          {!deleting && theirs !== null && !isNew && 'Their other changes are kept. '}
          {deleting ? 'Nothing is deleted yet.' : 'Nothing is saved yet.'}
        </span>
      </div>
    </section>
  );
}

function textOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return '–';
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.map(String).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
