import { Agent as HttpAgent, request as httpRequest, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { bounds } from '../kernel/bounds.ts';
import type { OpenRequest } from './send-http.ts';

/** Requests to an endpoint over the network, on kept connections. TLS is verified; redirects are not followed. */
export function openRemote(url: URL): { readonly open: OpenRequest; close(): void } {
  const secure = url.protocol === 'https:';
  // Every call may hold a connection as long as it runs, and beside them stands the stream of the session.
  const pool = { keepAlive: true, maxSockets: bounds.linkInFlightMax * 2, maxFreeSockets: 8 };
  const agent = secure ? new HttpsAgent(pool) : new HttpAgent(pool);
  return {
    open(method, headers) {
      const options = { method, headers, agent };
      const request = secure ? httpsRequest(url, options) : httpRequest(url, options);
      boundConnecting(request);
      return request;
    },
    close: () => agent.destroy(),
  };
}

/** An address that does not answer must not hold a call for as long as the system tries. */
function boundConnecting(request: ClientRequest): void {
  request.on('socket', (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => request.destroy(new Error(`no connection within ${bounds.linkConnectMs} ms`)), bounds.linkConnectMs);
    socket.once('connect', () => clearTimeout(timer));
    request.once('close', () => clearTimeout(timer));
  });
}
