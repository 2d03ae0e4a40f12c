import { queryOptions } from '@tanstack/react-query';
import { gateway } from '../../app/gateway.ts';

/** How long what is kept. */
export const retentionQuery = queryOptions({ queryKey: ['retention'], queryFn: ({ signal }) => gateway.retention.list({ limit: 200 }, { signal }).take(200) });
