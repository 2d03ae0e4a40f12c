import { queryOptions } from '@tanstack/react-query';
import { gateway } from '../../app/gateway.ts';

/** What can be permitted: a few dozen, of MCP first. */
export const permissionsQuery = queryOptions({
  queryKey: ['permissions'],
  queryFn: ({ signal }) => gateway.access.permissions({ limit: 200 }, { signal }).take(1000),
  staleTime: Number.POSITIVE_INFINITY,
});
