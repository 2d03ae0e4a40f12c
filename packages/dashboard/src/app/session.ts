/** Who looks at the dashboard, and what they may do: read once, before the first page, and again when the window comes back. */
import { queryOptions, useSuspenseQuery } from '@tanstack/react-query';
import type { Answer, Operation } from '@gatewayops/sdk';
import { gateway } from './gateway.ts';

type Me = Answer<Operation<'get', '/v1/me'>>;

export interface Capability {
  readonly permission: string;
  readonly description: string;
  readonly allowed: boolean;
  readonly reason: string;
  readonly granters: readonly { readonly reference: string; readonly name: string }[];
}

export interface Session {
  readonly me: Me;
  readonly capabilities: ReadonlyMap<string, Capability>;
}

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<Session> => {
    const [me, capabilities] = await Promise.all([gateway.me.get({ signal }), gateway.me.capabilities({ signal }).page()]);
    return { me, capabilities: new Map(capabilities.capabilities.map((one) => [one.permission, { ...one, reason: sentenceOf(one.reason) }])) };
  },
  staleTime: 60_000,
});

export function useSession(): Session {
  return useSuspenseQuery(sessionQuery).data;
}

/** Pages say why beside sentences of their own. */
function sentenceOf(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
}

/** What is not known is not allowed. */
export function useCapability(permission: string): Capability {
  const { capabilities } = useSession();
  return capabilities.get(permission) ?? { permission, description: '', allowed: false, reason: 'The gateway does not know this permission.', granters: [] };
}
