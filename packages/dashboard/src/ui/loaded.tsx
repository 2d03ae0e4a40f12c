import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import { ErrorCard, Skeleton, type SkeletonProps } from './states.tsx';

interface LoadedProps<Data> {
  readonly query: Pick<UseQueryResult<Data>, 'data' | 'error' | 'refetch'>;
  /** What is asked for, as a sentence begins: `The price list`. */
  readonly what: string;
  /** So many rows are expected. */
  readonly rows?: number;
  readonly columns?: SkeletonProps['columns'];
  /** In the place of rows, where what comes is no list. */
  readonly skeleton?: ReactElement;
  readonly children: (data: Data) => ReactNode;
}

/** What was asked for once it has come; before that bars, or why it did not. What is there stays there when it cannot be had anew (`app/stale-bar.tsx` says so). */
export function Loaded<Data>({ query: { data, error, refetch }, what, rows = 3, columns, skeleton, children }: LoadedProps<Data>): ReactElement {
  if (data !== undefined) return <>{children(data)}</>;
  if (error !== null) return <ErrorCard error={error} what={what} onRetry={() => void refetch()} />;
  if (skeleton !== undefined) return skeleton;
  return <Skeleton rows={rows} label={`Loading ${what.charAt(0).toLowerCase()}${what.slice(1)}`} columns={columns} />;
}
