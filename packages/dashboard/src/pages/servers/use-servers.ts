import { queryOptions } from '@tanstack/react-query';
import { gateway } from '../../app/gateway.ts';

/** All servers that the caller may see, again every so often: states change by themselves. */
export const serversQuery = queryOptions({
  queryKey: ['servers', 'all'],
  queryFn: ({ signal }) => gateway.servers.list({ limit: 200 }, { signal }).take(5000),
  refetchInterval: 15_000,
});

/** What is switched off, by the name of the server. */
export const switchesQuery = queryOptions({
  queryKey: ['switches', 'server'],
  queryFn: async ({ signal }) => new Map((await gateway.switches.list({ kind: 'server', limit: 200 }, { signal }).take(5000)).map((one) => [one.name, one])),
  refetchInterval: 15_000,
});

export function serverQuery(name: string) {
  return queryOptions({
    queryKey: ['server', name],
    queryFn: async ({ signal }) => (await gateway.servers.get(name, { signal })).server,
    refetchInterval: 10_000,
  });
}

/** What the server says when it is asked itself: its steps, and all that it offers. It is asked when somebody wants to know, not every so often. */
export function testQuery(name: string) {
  return queryOptions({
    queryKey: ['server test', name],
    queryFn: async ({ signal }) => (await gateway.servers.test(name, undefined, { signal })).test,
    staleTime: 5 * 60_000,
    refetchOnWindowFocus: false,
  });
}
