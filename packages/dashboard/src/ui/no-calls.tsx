import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Empty } from './states.tsx';

/** Where calls would be, and what makes some. */
export function NoCalls({ title }: { readonly title: string }): ReactElement {
  return (
    <Empty title={title}>
      Choose a longer time range, or{' '}
      <Link to="/connect" className="text-accent underline">
        connect an agent
      </Link>
      . Its calls appear as they end.
    </Empty>
  );
}
