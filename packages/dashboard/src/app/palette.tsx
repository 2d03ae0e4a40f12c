import { Autocomplete } from '@base-ui/react/autocomplete';
import { Dialog } from '@base-ui/react/dialog';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { setAppearance, useAppearance } from './appearance.ts';
import { gateway } from './gateway.ts';
import { copyLink } from './link-to-view.ts';
import { pageGroups } from './pages.ts';
import { useSession } from './session.ts';
import { viewsQuery } from '../views/use-views.ts';
import { searchOf, viewPages, type ViewPage } from '../views/view-state.ts';
import { signOut } from './user-menu.tsx';

interface Entry {
  readonly value: string;
  readonly hint: string;
  readonly run: () => void;
}
interface Group {
  readonly value: string;
  readonly items: readonly Entry[];
}

interface PaletteProps {
  readonly onClose: () => void;
  readonly onKeys: () => void;
  readonly onLink: () => void;
}

/** Pages, traces by their id, saved views, servers and what can be done, by what is typed. */
export function Palette({ onClose, onKeys, onLink }: PaletteProps): ReactElement {
  const [text, setText] = useState('');
  const groups = useEntries(text, onKeys, onLink);
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-30 bg-(--veil)" />
        <Dialog.Popup
          aria-label="Search or run"
          className="fixed top-[12dvh] left-1/2 z-30 flex max-h-[70dvh] w-[calc(100vw-1.5rem)] max-w-xl -translate-x-1/2 flex-col overflow-hidden rounded-panel border border-hairline bg-surface shadow-[0_8px_24px_var(--shadow)] outline-none"
        >
          <Autocomplete.Root
            open
            inline
            items={groups}
            filter={null}
            value={text}
            onValueChange={setText}
            autoHighlight="always"
            keepHighlight
            itemToStringValue={({ value }: Entry) => value}
          >
            <Autocomplete.Input
              aria-label="Search or run"
              placeholder="A page, a trace id, a server, a user, something to do…"
              className="h-12 shrink-0 border-b border-hairline bg-transparent px-4 text-body outline-none placeholder:text-ink-3"
            />
            <Autocomplete.Empty className="px-4 text-ink-3 not-empty:py-6">
              Nothing has that in its name. A query such as server:github goes into the search of Traces.
            </Autocomplete.Empty>
            <Autocomplete.List className="min-h-0 overflow-y-auto overscroll-contain py-1 empty:hidden">
              {(group: Group) => (
                <Autocomplete.Group key={group.value} items={group.items} className="pb-1">
                  <Autocomplete.GroupLabel className="px-4 py-1 text-meta text-ink-3">{group.value}</Autocomplete.GroupLabel>
                  <Autocomplete.Collection>
                    {(entry: Entry) => (
                      <Autocomplete.Item
                        key={`${entry.value} ${entry.hint}`}
                        value={entry}
                        onClick={() => {
                          onClose();
                          entry.run();
                        }}
                        className="flex min-h-8 cursor-pointer items-center justify-between gap-4 px-4 outline-none data-highlighted:bg-sunken pointer-coarse:min-h-10"
                      >
                        <span className="min-w-0 truncate">{entry.value}</span>
                        <span className="shrink-0 text-meta text-ink-3">{entry.hint}</span>
                      </Autocomplete.Item>
                    )}
                  </Autocomplete.Collection>
                </Autocomplete.Group>
              )}
            </Autocomplete.List>
          </Autocomplete.Root>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function useEntries(text: string, onKeys: () => void, onLink: () => void): readonly Group[] {
  const navigate = useNavigate();
  const { capabilities } = useSession();
  const { theme, zone } = useAppearance();
  const may = (permission: string): boolean => capabilities.get(permission)?.allowed === true;
  const servers = useQuery({
    queryKey: ['palette', 'servers'],
    queryFn: ({ signal }) => gateway.servers.list({ limit: 100 }, { signal }).page(),
    enabled: may('servers.read'),
    staleTime: 60_000,
  });
  const named = text.trim().slice(0, 100);
  const people = useQuery({
    queryKey: ['palette', 'users', named],
    queryFn: ({ signal }) => gateway.users.list({ q: named, limit: 6 }, { signal }).page(),
    enabled: may('people.read') && named.length >= 2,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  const views = useQuery({ ...viewsQuery, enabled: may('traces.read') });
  const id = /^tr_[0-9a-f]{8,}$/.exec(text.trim())?.[0];
  const groups: readonly Group[] = [
    {
      value: 'Trace',
      items: id === undefined ? [] : [{ value: id, hint: 'open', run: () => void navigate({ to: '/traces/$traceId', params: { traceId: id } }) }],
    },
    {
      value: 'Pages',
      items: pageGroups.flatMap(({ pages }) =>
        pages
          .filter(({ permission }) => may(permission))
          .map(({ path, title, key }) => ({ value: title, hint: `g ${key}`, run: () => void navigate({ to: path }) })),
      ),
    },
    {
      value: 'Views',
      items: (views.data ?? [])
        .filter((view): view is typeof view & { readonly page: ViewPage } => view.page in viewPages)
        .map((view) => ({
          value: view.name,
          hint: view.shared_with ?? 'yours',
          run: () => void navigate({ to: viewPages[view.page].path, search: { ...searchOf(view.page, view.state), view: view.id } }),
        })),
    },
    {
      value: 'Servers',
      items: may('servers.read')
        ? (servers.data?.servers ?? []).map(({ name, state }) => ({
            value: name,
            hint: state,
            run: () => void navigate({ to: '/servers/$name', params: { name } }),
          }))
        : [],
    },
    {
      value: 'Users',
      items: (named.length < 2 ? [] : (people.data?.users ?? [])).map(({ id: userId, name, email }) => ({
        value: name,
        hint: email ?? userId,
        run: () => void navigate({ to: '/people/$kind/$id', params: { kind: 'users', id: userId } }),
      })),
    },
    {
      value: 'Do',
      items: [
        ...(may('servers.read') ? [{ value: 'Connect an agent', hint: 'client', run: () => void navigate({ to: '/connect' }) }] : []),
        {
          value: theme === 'dark' ? 'Switch to paper (light)' : 'Switch to graphite (dark)',
          hint: 'theme',
          run: () => setAppearance({ theme: theme === 'dark' ? 'light' : 'dark' }),
        },
        { value: zone === 'utc' ? 'Show local times' : 'Show times in UTC', hint: 'u', run: () => setAppearance({ zone: zone === 'utc' ? 'local' : 'utc' }) },
        { value: 'Copy a link to this view', hint: 'c', run: () => copyLink(onLink) },
        { value: 'Show all keys', hint: '?', run: onKeys },
        { value: 'Sign out', hint: 'session', run: () => void signOut() },
      ],
    },
  ];
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const fits = (group: string, { value, hint }: Entry): boolean => words.every((word) => `${group} ${value} ${hint}`.toLowerCase().includes(word));
  return groups.flatMap(({ value, items }) => {
    // Users are found by the gateway, by their id too.
    const found = items.filter((entry) => value === 'Trace' || value === 'Users' || fits(value, entry));
    return found.length === 0 ? [] : [{ value, items: found }];
  });
}
