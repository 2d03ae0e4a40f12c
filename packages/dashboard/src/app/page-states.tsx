import { Link, useRouterState, type ErrorComponentProps } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Rail } from '../rail/rail.tsx';
import { pageGroups } from './pages.ts';
import { ErrorCard, Skeleton } from '../ui/states.tsx';

/** The page is on its way: where its title is that of the menu, it stands already. `title`: of a page that is not in the menu. */
export function PagePending({ title }: { readonly title?: string }): ReactElement {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  // That of the overview is a sentence about what is found.
  const name = title ?? pageGroups.flatMap(({ pages }) => pages).find((page) => page.path === path && path !== '/')?.title;
  return (
    <>
      {name !== undefined && <h1 className="px-3 pt-3 pb-2 text-title font-semibold sm:px-4">{name}</h1>}
      <Skeleton rows={12} label="Loading the page" />
    </>
  );
}

export function TracePending(): ReactElement {
  return <PagePending title="Trace" />;
}

export function PageFailed({ error, reset }: ErrorComponentProps): ReactElement {
  return <ErrorCard error={error} onRetry={reset} what="The page" />;
}

export function NotFound(): ReactElement {
  return (
    <div className="flex flex-col items-start gap-4 px-3 py-12 sm:px-4">
      <span aria-hidden="true" className="-ml-1.5">
        <Rail stop="access" status="cancelled" large />
      </span>
      <h1 className="text-title font-semibold">Page not found</h1>
      <p className="max-w-[60ch] text-body text-ink-2">The line ends here. The address may be incomplete, or it may come from an older version.</p>
      <Link to="/" className="text-accent underline">
        Go to the Overview
      </Link>
    </div>
  );
}
