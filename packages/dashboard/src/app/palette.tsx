import { Autocomplete } from '@base-ui/react/autocomplete';
import { Dialog } from '@base-ui/react/dialog';
import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { setAppearance, useAppearance } from './appearance.ts';
import { gateway } from './gateway.ts';
import { useHasRange } from './has-range.ts';
import { copyLink } from './link-to-view.ts';
import { isReachable, pageGroups } from './pages.ts';
import { useSession } from './session.ts';
import { runOnceThere, shortcutsOf, type Shortcut } from './shortcuts.ts';
import { serverState, stateText } from '../ui/state-word.tsx';
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

/** What is made on a page of its own, by what its key there is about. */
const onPages = [
  { value: 'Create a key', about: 'New key', path: '/keys', key: 'k', permission: 'keys.write' },
  { value: 'Add servers', about: 'Add servers', path: '/servers', key: 's', permission: 'config.write' },
  { value: 'Invite a user', about: 'Invite a user', path: '/people', key: 'u', permission: 'people.write' },
  { value: 'Create a policy', about: 'New policy', path: '/policies', key: 'p', permission: 'policies.write' },
] as const;

/** Keys that go about on a page, or that only mean something there; what else a page can do is done from here too. */
const goingAbout = new Set(['j', 'k', 'Enter', 'shift+Enter', 'Escape', '/', '.', 'n']);
const onThisPage = (): readonly Shortcut[] => shortcutsOf('page').filter(({ keys }) => !goingAbout.has(keys));

const rankOf = (group: string): number => ['Trace', 'Pages', 'Do', group].indexOf(group);

const foundElsewhere = new Set(['Trace', 'Users', 'Keys']);
const toolsShown = 8;
const dayMs = 86_400_000;

/** Tools that were called in the last days, most first. */
const toolsQuery = queryOptions({
  queryKey: ['palette', 'tools'],
  queryFn: async ({ signal }) => (await gateway.metrics.calls({ start_time: new Date(Date.now() - 7 * dayMs).toISOString(), limit: 200 }, { signal })).tools,
  staleTime: 5 * 60_000,
});

interface PaletteProps {
  readonly onClose: () => void;
  readonly onKeys: () => void;
  readonly onLink: () => void;
}

/** Pages, traces by their id, saved views, servers, their tools, users, keys and what can be done, by what is typed. */
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
              placeholder="Find a page, server, tool, user, key or trace id, or run a command…"
              className="h-12 shrink-0 border-b border-hairline bg-transparent px-4 text-body outline-none placeholder:text-ink-3"
            />
            <Autocomplete.Empty className="px-4 text-ink-3 not-empty:py-6">
              No match. A query such as server:github belongs in the search of Traces.
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
  const session = useSession();
  const hasRange = useHasRange();
  const { theme, zone } = useAppearance();
  const may = (permission: string): boolean => session.capabilities.get(permission)?.allowed === true;
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
  const keys = useQuery({
    queryKey: ['palette', 'keys', named],
    queryFn: ({ signal }) => gateway.keys.list({ q: named, limit: 6 }, { signal }).page(),
    enabled: may('keys.read') && named.length >= 2,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  const tools = useQuery({ ...toolsQuery, enabled: may('metrics.read') && may('servers.read') && named !== '' });
  const views = useQuery({ ...viewsQuery, enabled: may('traces.read') });
  const id = /^(?:tr|req)_[\w.-]{8,}$/.exec(text.trim())?.[0];
  const groups: readonly Group[] = [
    {
      value: 'Trace',
      items:
        id === undefined
          ? []
          : id.startsWith('tr_')
            ? [{ value: id, hint: 'open', run: () => void navigate({ to: '/traces/$traceId', params: { traceId: id } }) }]
            : [{ value: id, hint: 'find its call', run: () => void navigate({ to: '/traces', search: { q: `request:${id}`, range: '30d' } }) }],
    },
    {
      value: 'Pages',
      items: pageGroups.flatMap(({ pages }) =>
        pages
          .filter((page) => isReachable(page, session))
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
        ? (servers.data?.servers ?? []).map((server) => ({
            value: server.name,
            hint: stateText(serverState(server)),
            run: () => void navigate({ to: '/servers/$name', params: { name: server.name } }),
          }))
        : [],
    },
    {
      value: 'Tools',
      items: (named === '' ? [] : (tools.data ?? [])).map(({ server, tool }) => ({
        value: tool,
        hint: server,
        run: () => void navigate({ to: '/servers/$name/tools', params: { name: server }, search: { tool } }),
      })),
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
      value: 'Keys',
      items: (named.length < 2 ? [] : (keys.data?.keys ?? [])).map(({ id: keyId, name, prefix }) => ({
        value: name,
        hint: `${prefix}…`,
        run: () => void navigate({ to: '/keys', search: { find: name, key: keyId } }),
      })),
    },
    {
      value: 'Do',
      items: [
        ...onThisPage().map(({ keys: key, about, run }) => ({ value: about, hint: key, run })),
        ...onPages
          .filter(({ permission }) => may(permission))
          .map(({ value, about, path, key }) => ({ value, hint: `g ${key} n`, run: () => void navigate({ to: path }).then(() => runOnceThere(about)) })),
        ...(may('traces.read') ? [{ value: 'Follow calls live', hint: 'Traces', run: () => void navigate({ to: '/traces', search: { live: '1' } }) }] : []),
        ...(may('servers.read') ? [{ value: 'Connect an agent', hint: 'client', run: () => void navigate({ to: '/connect' }) }] : []),
        {
          value: theme === 'dark' ? 'Switch to the light theme' : 'Switch to the dark theme',
          hint: 'theme',
          run: () => setAppearance({ theme: theme === 'dark' ? 'light' : 'dark' }),
        },
        { value: zone === 'utc' ? 'Show local times' : 'Show times in UTC', hint: 'u', run: () => setAppearance({ zone: zone === 'utc' ? 'local' : 'utc' }) },
        { value: 'Copy a link to this view', hint: 'c', run: () => copyLink(hasRange, onLink) },
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
  // What can be done comes before what is only called so.
  const ordered = named === '' ? groups : groups.toSorted((one, other) => rankOf(one.value) - rankOf(other.value));
  return ordered.flatMap(({ value, items }) => {
    // What the gateway finds fits by more than is shown, an id or an address.
    const found = items.filter((entry) => foundElsewhere.has(value) || fits(value, entry)).slice(0, value === 'Tools' ? toolsShown : undefined);
    return found.length === 0 ? [] : [{ value, items: found }];
  });
}
