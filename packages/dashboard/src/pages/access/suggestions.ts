/** What the form is completed from. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { gateway } from '../../app/gateway.ts';

export interface Suggestion {
  /** As the question takes it. */
  readonly value: string;
  readonly about: string;
}

const eachMax = 6;
const dayMs = 86_400_000;

/** Callers with that in their name, address or id. */
export const callersQuery = (written: string, { mayPeople, mayKeys }: { readonly mayPeople: boolean; readonly mayKeys: boolean }) => {
  const text = written.trim().slice(0, 100);
  return queryOptions({
    queryKey: ['explain', 'callers', text, mayPeople, mayKeys],
    queryFn: async ({ signal }): Promise<readonly Suggestion[]> => {
      const q = text === '' ? {} : { q: text };
      const asked = { ...q, limit: eachMax };
      const [users, accounts, agents, keys] = await Promise.all([
        mayPeople ? gateway.users.list(asked, { signal }).take(eachMax) : [],
        mayPeople ? gateway.serviceAccounts.list(asked, { signal }).take(eachMax) : [],
        mayPeople ? gateway.agents.list(asked, { signal }).take(eachMax) : [],
        mayKeys ? gateway.keys.list({ ...asked, status: 'active' }, { signal }).take(eachMax) : [],
      ]);
      return [
        ...users.map(({ id, name, email }) => ({ value: `user:${id}`, about: [name, email].filter((one) => one !== null).join(' · ') })),
        ...accounts.map(({ id, name }) => ({ value: `service_account:${id}`, about: name })),
        ...agents.map(({ id, name }) => ({ value: `agent:${id}`, about: name })),
        ...keys.map(({ id, name, prefix }) => ({ value: id, about: `key ${name} · ${prefix}…` })),
      ];
    },
    // What was chosen needs no completion.
    enabled: !/^(user|service_account|agent):./.test(text) && !text.startsWith('key_'),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
};

/** Tools that were called on a server in the last days. */
export const namesOnServerQuery = (server: string) =>
  queryOptions({
    queryKey: ['explain', 'names', server],
    queryFn: async ({ signal }): Promise<readonly string[]> => {
      const end = Date.now();
      const { facets } = await gateway.traces.facets(
        { start_time: new Date(end - 7 * dayMs).toISOString(), end_time: new Date(end).toISOString(), server, facets: 'tool' },
        { signal },
      );
      return facets.flatMap(({ values }) => values.flatMap(({ value }) => value ?? []));
    },
    staleTime: 60_000,
  });
