import { Link, type ErrorComponentProps } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Rail } from '../rail/rail.tsx';
import { ErrorCard, Skeleton } from '../ui/states.tsx';

export function PagePending(): ReactElement {
  return <Skeleton rows={12} label="Loading the page" />;
}

export function PageFailed({ error, reset }: ErrorComponentProps): ReactElement {
  return <ErrorCard error={error} onRetry={reset} what="The page" />;
}

export function NotFound(): ReactElement {
  return (
    <div className="flex flex-col items-start gap-4 px-3 py-12 sm:px-4">
      <Rail stop="access" status="cancelled" large />
      <h1 className="text-title font-semibold">There is no such page</h1>
      <p className="max-w-[60ch] text-body text-ink-2">The line ends here. The address may be of an older dashboard, or cut.</p>
      <Link to="/" className="text-accent underline">
        To the overview
      </Link>
    </div>
  );
}
