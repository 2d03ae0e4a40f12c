import { queryOptions } from '@tanstack/react-query';
import { gateway } from '../../app/gateway.ts';

/** So many rules there may be. */
const rulesMax = 5000;

/** All rules of access, again every so often: others write them too. */
export const policiesQuery = queryOptions({
  queryKey: ['policies', 'without use'],
  queryFn: ({ signal }) => gateway.policies.list({ limit: 200 }, { signal }).take(rulesMax),
  refetchInterval: 15_000,
});
