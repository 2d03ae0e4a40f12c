import { request as httpRequest, Agent, type IncomingMessage, type ServerResponse } from 'node:http';
import { Fault } from '../kernel/fault.ts';
import { http1Headers } from './http1-headers.ts';
import { respondRest } from './respond.ts';

/** Passes a request of the control plane or the dashboard to the supervisor. */
export type PassToControl = (request: IncomingMessage, response: ServerResponse, requestId: string) => void;

/** Hop-by-hop headers (RFC 9110 section 7.6.1). */
const hopByHop = ['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];
const notAnswered = new Set(hopByHop);
/** Of a request, further: what strangers say of where it came from, and what only this listener may say. */
const notPassed = new Set([
  ...hopByHop,
  'expect',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'x-gatewayops-peer',
  'x-request-id',
]);

export function createPassToControl(socketPath: string): PassToControl {
  const agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 8 });
  // Streams stay open: they must not take the connections that others wait for. How many there may be, the control plane says.
  const streamAgent = new Agent({ keepAlive: false });
  return (request, response, requestId) => {
    if (request.headers.expect !== undefined) response.writeContinue();
    const headers = http1Headers(request.rawHeaders, notPassed);
    headers.push('X-GatewayOps-Peer', request.socket.remoteAddress ?? '', 'X-Request-ID', requestId);
    const isStream = request.url?.startsWith('/v1/stream') === true;
    const onward = httpRequest({ agent: isStream ? streamAgent : agent, socketPath, method: request.method, path: request.url, headers });
    onward.on('response', (answer) => {
      response.writeHead(
        answer.statusCode ?? 502,
        answer.rawHeaders.filter((_, index, all) => !notAnswered.has((all[index - (index % 2)] ?? '').toLowerCase())),
      );
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    onward.on('error', (cause) =>
      respondRest(response, new Fault('unavailable', { reason: 'the control plane does not answer' }, { cause }), { requestId, traceId: '', headers: [] }),
    );
    response.on('close', () => {
      if (!response.writableFinished) onward.destroy();
    });
    request.pipe(onward);
  };
}
