import { queryOptions, useQuery } from '@tanstack/react-query';
import { gateway } from '../app/gateway.ts';
import type { SavedView } from './view-state.ts';

/** One's own and those that are shared, of every page. */
export const viewsQuery = queryOptions({
  queryKey: ['views'],
  queryFn: async ({ signal }): Promise<readonly SavedView[]> => (await gateway.views.list({}, { signal }).page()).views,
  staleTime: 60_000,
});

/** The view that an address names: null where there is none that one may see, undefined as long as it is not known. */
export function useView(id: string | undefined): SavedView | null | undefined {
  const views = useQuery({ ...viewsQuery, enabled: id !== undefined });
  const listed = views.data?.find((view) => view.id === id);
  // Who administers views opens those of other teams by their link.
  const one = useQuery({
    queryKey: ['views', id],
    queryFn: async ({ signal }) => (await gateway.views.get(id ?? '', { signal })).view,
    enabled: id !== undefined && views.data !== undefined && listed === undefined,
  });
  if (id === undefined) return null;
  return listed ?? one.data ?? (one.isError || views.isError ? null : undefined);
}
