/** The saved views of a list, above it: each is an address, and says when what is seen is another than it. */
import { Menu } from '@base-ui/react/menu';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Bookmark, MoreHorizontal, RotateCcw, Users } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { basePath, gateway } from '../app/gateway.ts';
import { Button } from '../ui/button.tsx';
import { ChangedMeanwhile, useVersioned, type Seen } from '../ui/changed-meanwhile.tsx';
import { Confirm } from '../ui/confirm.tsx';
import { copyText } from '../ui/copy.tsx';
import { FaultLine } from '../ui/fault-line.tsx';
import { EditView } from './edit-view.tsx';
import { viewsQuery } from './use-views.ts';
import { isEdited, searchOf, stateOf, viewPages, type SavedView, type ViewPage, type ViewSearch } from './view-state.ts';

interface SavedViewsProps {
  readonly page: ViewPage;
  readonly title: string;
  /** The address as it is. */
  readonly search: { readonly view?: string | undefined } & Partial<ViewSearch>;
  /** The view that it names. */
  readonly view: SavedView | null;
  /** Another address: of a view, or of none. */
  readonly onChoose: (search: ViewSearch & { readonly view: string | undefined }) => void;
}

const item =
  'flex min-h-8 cursor-pointer items-center px-3 outline-none data-disabled:cursor-default data-disabled:opacity-50 data-highlighted:bg-sunken pointer-coarse:min-h-10';
const tab = (isChosen: boolean): string =>
  `flex h-8 shrink-0 items-center gap-1.5 border-b-2 px-2 whitespace-nowrap pointer-coarse:h-10 ${isChosen ? 'border-accent font-medium' : 'border-transparent text-ink-2 hover:text-ink'}`;

export function SavedViews({ page, title, search, view, onChoose }: SavedViewsProps): ReactElement | null {
  const queries = useQueryClient();
  const [written, setWritten] = useState(0);
  const views = useQuery(viewsQuery);
  const edited = view !== null && isEdited(page, view, search);
  const listed = (views.data ?? []).filter((one) => one.page === page);
  const shown = view === null || listed.some(({ id }) => id === view.id) ? listed : [...listed, view];
  if (shown.length === 0) return null;
  return (
    <div className="grid grid-cols-[minmax(0,1fr)_auto] items-stretch">
      <nav aria-label="Saved views" className="relative flex items-end gap-1 overflow-x-auto border-b border-hairline">
        <Link
          to={viewPages[page].path}
          search={{ ...searchOf(page, {}), view: undefined }}
          aria-current={view === null ? 'true' : undefined}
          className={tab(view === null)}
        >
          {title}
        </Link>
        {shown.map((one) => (
          <Link
            key={one.id}
            to={viewPages[page].path}
            search={{ ...searchOf(page, one.state), view: one.id }}
            aria-current={one.id === view?.id ? 'true' : undefined}
            title={one.shared_with === null ? 'Only you see it' : `Shared with ${one.shared_with.replace(':', ' ')}`}
            className={tab(one.id === view?.id)}
          >
            {one.name}
            {one.shared_with !== null && <Users size={12} aria-label="shared" className="text-ink-3" />}
            {one.id === view?.id && edited && (
              <span className="size-1.5 rounded-full bg-accent">
                <span className="sr-only">edited</span>
              </span>
            )}
          </Link>
        ))}
      </nav>
      {view !== null && (
        // What it held when it was chosen is what a change is laid on, until one has written it oneself.
        <ViewActions
          key={`${view.id} ${written}`}
          page={page}
          search={search}
          view={view}
          isEdited={edited}
          onChoose={onChoose}
          onWritten={async () => {
            await queries.invalidateQueries({ queryKey: viewsQuery.queryKey });
            setWritten(written + 1);
          }}
        />
      )}
    </div>
  );
}

interface ViewActionsProps extends Pick<SavedViewsProps, 'page' | 'search' | 'onChoose'> {
  readonly view: SavedView;
  readonly isEdited: boolean;
  readonly onWritten: () => Promise<void>;
}

/** What can be done with the view that is chosen; below it what somebody else has done to it meanwhile. */
function ViewActions({ page, search, view, isEdited: edited, onChoose, onWritten }: ViewActionsProps): ReactElement {
  const [layer, setLayer] = useState<'edit' | 'delete' | null>(null);
  const queries = useQueryClient();
  const [opened] = useState(() => seenOf(page, view));
  const versioned = useVersioned(opened, async () => seenOf(page, (await gateway.views.get(view.id)).view));
  const state = stateOf(page, search);
  const update = useMutation({
    mutationFn: () => versioned.send((version) => gateway.views.update(view.id, { state }, { ifMatch: `"${version}"` })),
    onSuccess: onWritten,
    // What is refused may be another by now.
    onError: () => queries.invalidateQueries({ queryKey: viewsQuery.queryKey }),
  });
  const others = 'Somebody else shares it: save a view of your own, or ask them.';
  return (
    <>
      <div className="flex items-center gap-1 border-b border-hairline pb-0.5 pl-2">
        {edited && (
          <>
            <Button look="quiet" onClick={() => onChoose({ ...searchOf(page, view.state), view: view.id })} title="Discard your changes to the view">
              <RotateCcw size={14} aria-hidden="true" /> <span className="max-sm:sr-only">Reset to view</span>
            </Button>
            <Button
              disabled={!view.changeable || update.isPending || versioned.meeting !== null}
              title={view.changeable ? 'Save what you see to the view' : others}
              onClick={() => update.mutate()}
            >
              Update
            </Button>
          </>
        )}
        <Menu.Root>
          <Menu.Trigger
            aria-label={`More actions for the view ${view.name}`}
            className="flex size-8 items-center justify-center rounded-control text-ink-3 hover:bg-sunken hover:text-ink pointer-coarse:size-10"
          >
            <MoreHorizontal size={16} aria-hidden="true" />
          </Menu.Trigger>
          <Menu.Portal>
            <Menu.Positioner align="end" sideOffset={6} className="z-30">
              <Menu.Popup className="min-w-52 rounded-panel border border-hairline bg-surface py-1 text-table shadow-[0_8px_24px_var(--shadow)] outline-none">
                <Menu.Item className={item} onClick={() => void copyText(`${location.origin}${basePath}${page}?view=${view.id}`)}>
                  Copy a link to the view
                </Menu.Item>
                <Menu.Item className={item} disabled={!view.changeable} title={view.changeable ? undefined : others} onClick={() => setLayer('edit')}>
                  Rename or share…
                </Menu.Item>
                <Menu.Item className={item} disabled={!view.changeable} title={view.changeable ? undefined : others} onClick={() => setLayer('delete')}>
                  Delete…
                </Menu.Item>
              </Menu.Popup>
            </Menu.Positioner>
          </Menu.Portal>
        </Menu.Root>
      </div>
      <div className="col-span-2 flex flex-col *:mt-2">
        <ChangedMeanwhile
          versioned={versioned}
          mine={state}
          titles={parameterTitles}
          onTake={(fields) => {
            update.reset();
            onChoose({ ...searchOf(page, fields), view: view.id });
          }}
        />
        {versioned.meeting === null && <FaultLine error={update.error} />}
      </div>
      {layer === 'edit' && <EditView page={page} view={view} state={view.state} onSaved={() => void onWritten()} onClose={() => setLayer(null)} />}
      {layer === 'delete' && (
        <DeleteView
          page={page}
          view={view}
          onDone={async () => {
            await onWritten();
            onChoose({ ...searchOf(page, search), view: undefined });
          }}
          onClose={() => setLayer(null)}
        />
      )}
    </>
  );
}

interface DeleteViewProps {
  readonly page: ViewPage;
  readonly view: SavedView;
  readonly onDone: () => Promise<void>;
  readonly onClose: () => void;
}

function DeleteView({ page, view, onDone, onClose }: DeleteViewProps): ReactElement {
  // Of the version that was looked at.
  const [opened] = useState(() => seenOf(page, view));
  const versioned = useVersioned(opened, async () => seenOf(page, (await gateway.views.get(view.id)).view));
  return (
    <Confirm
      title={`Delete the view ${view.name}?`}
      verb="Delete the view"
      met={versioned.meeting !== null && <ChangedMeanwhile versioned={versioned} mine={opened.fields} titles={parameterTitles} deleting />}
      onConfirm={async () => {
        await versioned.send((version) => gateway.views.delete(view.id, { ifMatch: `"${version}"` }));
        await onDone();
      }}
      onClose={onClose}
    >
      {view.shared_with === null ? 'Only you see it.' : 'It disappears for everybody who sees it.'} No call is deleted, and what you see stays as it is.
    </Confirm>
  );
}

const parameterTitles = { q: 'Query', cols: 'Columns', range: 'Range', from: 'From', to: 'To' };

function seenOf(page: ViewPage, { version, state }: SavedView): Seen<Readonly<Record<string, string>>> {
  return { version, fields: stateOf(page, state) };
}

/** Saves what is seen under a name. */
export function SaveView({ page, search, onChoose }: Pick<SavedViewsProps, 'page' | 'search' | 'onChoose'>): ReactElement {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setIsOpen(true)}>
        <Bookmark size={14} aria-hidden="true" /> <span className="max-sm:sr-only">Save view</span>
      </Button>
      {isOpen && (
        <EditView
          page={page}
          view={null}
          state={stateOf(page, search)}
          onSaved={(saved) => onChoose({ ...searchOf(page, saved.state), view: saved.id })}
          onClose={() => setIsOpen(false)}
        />
      )}
    </>
  );
}
