import type { IncomingMessage } from 'node:http';
import { authoriseServer, isOfferedAt } from '../authorise/authorise.ts';
import type { Principal } from '../authenticate/authenticate.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import type { LinkCaller } from '../link/link-caller.ts';
import { certificateHeader } from '../listener/client-certificate.ts';
import { requireAddress, type InboundHeaders } from '../listener/header-gate.ts';
import type { RequestHandlers } from '../listener/route-request.ts';
import type { Rail } from './rail.ts';
import { requireTaken } from './take-credential.ts';

/** What of the request that opens a link goes with each message of it, by the names of `InboundHeaders`. */
const carried = {
  host: 'host',
  origin: 'origin',
  authorization: 'authorization',
  certificate: certificateHeader,
  userAgent: 'user-agent',
  clientTraceId: 'x-trace-id',
  baggage: 'baggage',
} as const satisfies Partial<Record<keyof InboundHeaders, string>>;

/**
 * Who opens a duplex link (WebSocket, HTTP+SSE) to the endpoint at `path`: the tests are those of a POST there, and each message
 * passes them again. Nothing is recorded: a link is no call.
 *
 * Faults: `invalid_request`, `headers_too_large`, `host_not_allowed`, `origin_not_allowed`, `unauthorized`, `too_many_wrong_keys`, `unavailable`, `not_found`.
 */
export async function admitLink(
  rail: Rail,
  { gate, certificateOf }: Pick<RequestHandlers, 'gate' | 'certificateOf'>,
  request: IncomingMessage,
  path: string,
): Promise<LinkCaller> {
  const inbound = gate(request.rawHeaders);
  inbound.certificate = certificateOf(request);
  const snapshot = rail.snapshot();
  requireAddress(inbound, snapshot.hosts, snapshot.origins);
  const peer = request.socket.remoteAddress ?? '';
  const principal = await callerAt(rail, inbound, path, peer);
  const headers: Record<string, string> = {};
  for (const [field, name] of Object.entries(carried)) {
    const value = inbound[field as keyof typeof carried];
    if (value !== undefined) headers[name] = value;
  }
  return {
    principalId: principal.id,
    credentialId: principal.data.credentialId,
    path,
    headers,
    peer,
    messageBytesMax: snapshot.data.bodyBytesMax,
    async isStill() {
      try {
        return (await callerAt(rail, inbound, path, peer)).id === principal.id;
      } catch (error) {
        return asFault(error).row.owner === 'platform';
      }
    },
  };
}

async function callerAt(rail: Rail, inbound: InboundHeaders, path: string, peer: string): Promise<Principal> {
  const snapshot = rail.snapshot();
  const { byPath, endpointsByPath } = snapshot;
  const server = byPath.get(path);
  const endpoint = endpointsByPath.get(path);
  if ((server ?? endpoint)?.data.auth === 'none') return rail.authenticator.anonymous;
  const principal = await rail.authenticator.authenticate(inbound.authorization, peer, inbound.certificate);
  // Of the servers behind an aggregate each message may reach what the caller may.
  const place = server ?? (endpoint !== undefined && isOfferedAt(snapshot, principal, endpoint) ? endpoint : undefined);
  if (place === undefined || (server !== undefined && authoriseServer(snapshot, principal, server.data.name).decision === 'deny')) throw new Fault('not_found');
  requireTaken(place, principal);
  return principal;
}
