import { methodRow } from '../protocol/methods.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { Servers } from './dialogue.ts';
import { memberTexts } from './edit-object.ts';
import type { Endpoint, EndpointRequest } from './endpoint.ts';

/** One server under its own names: `/mcp/{server}` where the client is of an era that the server does not serve. */
export function createSingleEndpoint(servers: Servers, server: Server): Endpoint {
  return {
    name: server.data.name,
    facts: ({ face }) => servers.facts(server, face),
    resolve: async (request) => ({
      kind: 'route',
      server,
      params: request.params,
      name: nameIn(request),
      mirrored: request.mirrored,
      rewriteResult: (result) => result,
      rewriteNotification: (json) => json,
      rewriteAsk: (ask) => ask,
    }),
    watch: ({ face }, interest, onEvent) => servers.watch(server, face, interest, onEvent),
  };
}

function nameIn({ method, params }: EndpointRequest): string {
  const field = methodRow(method)?.nameField ?? null;
  const value: unknown = field === null ? undefined : JSON.parse(memberTexts(params).get(field) ?? 'null');
  return typeof value === 'string' ? value : '';
}
