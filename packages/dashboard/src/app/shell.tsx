/** What is around every page: the bar, the menu, the palette, the keys. */
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { ChevronsLeft, ChevronsRight, Search } from 'lucide-react';
import { lazy, Suspense, useEffect, useRef, useState, type ReactElement } from 'react';
import { RangePicker } from '../time/range-picker.tsx';
import { Logo } from '../rail/rail.tsx';
import { setAppearance, useAppearance } from './appearance.ts';
import { useHasRange } from './has-range.ts';
import { copyLink } from './link-to-view.ts';
import { isReachable, pageGroups } from './pages.ts';
import { isMac } from './platform.ts';
import { SessionEnded } from './session-ended.tsx';
import { useSession } from './session.ts';
import { listenForShortcuts, useShortcuts, type Shortcut } from './shortcuts.ts';
import { useChosenInSight } from '../ui/chosen-in-sight.ts';
import { StaleBar } from './stale-bar.tsx';
import { UserMenu } from './user-menu.tsx';

const Palette = lazy(async () => ({ default: (await import('./palette.tsx')).Palette }));
const CopyLink = lazy(async () => ({ default: (await import('./copy-link.tsx')).CopyLink }));
const Keys = lazy(async () => ({ default: (await import('./keys-sheet.tsx')).KeysSheet }));

export type Layer = 'palette' | 'keys' | 'range' | 'link' | null;

export function Shell(): ReactElement {
  const { narrowNav } = useAppearance();
  const [layer, setLayer] = useState<Layer>(null);
  const hasRange = useHasRange();
  useEffect(listenForShortcuts, []);
  useShortcuts(useShellShortcuts(setLayer), 'shell');
  useArrival();
  return (
    <div className="flex h-dvh flex-col">
      <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:z-20 focus:bg-surface focus:p-2">
        Skip to content
      </a>
      <header className="flex h-12 shrink-0 items-center gap-3 border-b border-hairline bg-surface px-3 sm:px-4">
        <Link to="/" className="flex items-center gap-3 rounded-control" aria-label="GatewayOps, go to the Overview">
          <Logo />
          <span className="hidden text-body font-semibold lg:inline">GatewayOps</span>
        </Link>
        <button
          type="button"
          onClick={() => setLayer('palette')}
          className="mx-auto flex h-8 min-w-0 flex-1 items-center gap-2 rounded-control border border-control bg-canvas px-2.5 text-left text-table text-ink-3 hover:text-ink-2 sm:max-w-md pointer-coarse:h-10"
        >
          <Search size={14} aria-hidden="true" className="shrink-0" />
          <span className="min-w-0 flex-1 truncate">
            Search <span className="max-sm:sr-only">or run…</span>
          </span>
          <kbd className="hidden font-sans text-meta sm:inline">{isMac() ? '⌘K' : 'Ctrl K'}</kbd>
        </button>
        {/* Its place is kept: the search does not move from page to page. */}
        <div className={hasRange ? 'contents' : 'invisible max-sm:hidden'}>
          <RangePicker open={hasRange && layer === 'range'} onOpenChange={(open) => setLayer(open ? 'range' : null)} />
        </div>
        <UserMenu onKeys={() => setLayer('keys')} />
      </header>
      <SessionEnded />
      <StaleBar />
      <div className="flex min-h-0 flex-1 max-sm:flex-col-reverse">
        <Nav narrow={narrowNav} />
        <main id="main" tabIndex={-1} className="min-h-0 min-w-0 flex-1 overflow-auto outline-none">
          <Outlet />
        </main>
      </div>
      <Suspense fallback={null}>
        {layer === 'palette' && <Palette onClose={() => setLayer(null)} onKeys={() => setLayer('keys')} onLink={() => setLayer('link')} />}
        {layer === 'link' && <CopyLink onClose={() => setLayer(null)} />}
        {layer === 'keys' && <Keys onClose={() => setLayer(null)} />}
      </Suspense>
    </div>
  );
}

/** A page has its name in the window, and whoever goes there by keys or hears it begins at its content. */
function useArrival(): void {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const before = useRef(path);
  useEffect(() => {
    const page = pageGroups.flatMap(({ pages }) => pages).findLast(({ path: own }) => path === own || (own !== '/' && path.startsWith(`${own}/`)));
    const last = decodeURIComponent(path.split('/').slice(2).at(-1) ?? '');
    document.title = [last, page?.title, 'GatewayOps'].filter((part) => part !== undefined && part !== '').join(' · ');
    if (before.current !== path) document.getElementById('main')?.focus({ preventScroll: true });
    before.current = path;
  }, [path]);
}

/** At the side; below the page where the screen is that of a telephone. */
function Nav({ narrow }: { readonly narrow: boolean }): ReactElement {
  const session = useSession();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const wide = narrow ? '' : 'lg:w-52';
  const label = narrow ? 'sr-only' : 'sr-only lg:not-sr-only';
  const row = useChosenInSight<HTMLElement>(path);
  // Positioned, so that the names which only screen readers hear are scrolled with it and do not widen the page.
  return (
    <nav
      ref={row}
      aria-label="Pages"
      className={`relative flex shrink-0 gap-1 border-hairline bg-canvas max-sm:h-12 max-sm:overflow-x-auto max-sm:border-t max-sm:px-4 max-sm:[mask-image:linear-gradient(to_right,transparent,black_24px,black_calc(100%-24px),transparent)] sm:w-14 sm:flex-col sm:overflow-y-auto sm:border-r sm:p-2 ${wide}`}
    >
      {pageGroups.map(({ title, pages }) => {
        const reachable = pages.filter((page) => isReachable(page, session));
        if (reachable.length === 0) return null;
        return (
          <div key={title} className="flex gap-0.5 sm:mb-3 sm:flex-col">
            <h2 className={`px-2 pb-1 text-meta text-ink-3 ${narrow ? 'hidden' : 'hidden lg:block'}`}>{title}</h2>
            {reachable.map(({ path: to, title: name, icon: Icon }) => {
              const current = to === '/' ? path === '/' : path.startsWith(to);
              return (
                <Link
                  key={to}
                  to={to}
                  title={name}
                  aria-current={current ? 'page' : undefined}
                  className={`flex h-8 items-center gap-2.5 rounded-control px-2.5 max-sm:h-11 ${current ? 'bg-sunken font-medium text-ink' : 'text-ink-2 hover:bg-sunken hover:text-ink'}`}
                >
                  <Icon size={16} aria-hidden="true" className="shrink-0" />
                  <span className={label}>{name}</span>
                </Link>
              );
            })}
          </div>
        );
      })}
      <button
        type="button"
        onClick={() => setAppearance({ narrowNav: !narrow })}
        aria-label={narrow ? 'Expand the menu' : 'Collapse the menu'}
        className="mt-auto hidden h-8 items-center rounded-control px-2.5 text-ink-3 hover:bg-sunken hover:text-ink lg:flex"
      >
        {narrow ? <ChevronsRight size={16} aria-hidden="true" /> : <ChevronsLeft size={16} aria-hidden="true" />}
      </button>
    </nav>
  );
}

function useShellShortcuts(setLayer: (layer: Layer) => void): readonly Shortcut[] {
  const navigate = useNavigate();
  const { zone, narrowNav } = useAppearance();
  const session = useSession();
  const hasRange = useHasRange();
  return [
    { keys: 'mod+k', about: 'Search or run', run: () => setLayer('palette') },
    { keys: '?', about: 'Show keyboard shortcuts', run: () => setLayer('keys') },
    ...(hasRange ? [{ keys: 't', about: 'Choose the time range', run: () => setLayer('range') }] : []),
    { keys: 'u', about: 'Switch between UTC and local time', run: () => setAppearance({ zone: zone === 'utc' ? 'local' : 'utc' }) },
    { keys: '\\', about: 'Expand or collapse the menu', run: () => setAppearance({ narrowNav: !narrowNav }) },
    { keys: 'c', about: 'Copy a link to this view', run: () => copyLink(hasRange, () => setLayer('link')) },
    ...pageGroups.flatMap(({ pages }) =>
      // What is not in the menu is no key either.
      pages
        .filter((page) => isReachable(page, session))
        .map(({ path, title, key }): Shortcut => ({ keys: `g ${key}`, about: `Go to ${title}`, run: () => void navigate({ to: path }) })),
    ),
  ];
}
