import { request as httpRequest, Agent, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
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

/** The live stream that a WebSocket is to show, asked of the supervisor as a request of its own: one JSON object a line. */
export type AskForStream = (request: IncomingMessage, requestId: string) => ClientRequest;

/** What of the handshake of a WebSocket is between the two that speak it. */
const handshake = new Set([...notPassed, 'accept', 'sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol', 'sec-websocket-extensions']);

// Streams stay open: they must not take the connections that others wait for. How many there may be, the control plane says.
const streamAgent = { keepAlive: false };

export function createAskForStream(socketPath: string): AskForStream {
  const agent = new Agent(streamAgent);
  return (request, requestId) => {
    const headers = http1Headers(request.rawHeaders, handshake);
    headers.push('Accept', 'application/x-ndjson', 'X-GatewayOps-Peer', request.socket.remoteAddress ?? '', 'X-Request-ID', requestId);
    return httpRequest({ agent, socketPath, method: 'GET', path: request.url, headers });
  };
}

export function createPassToControl(socketPath: string): PassToControl {
  const agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 8 });
  const ofStreams = new Agent(streamAgent);
  return (request, response, requestId) => {
    if (request.headers.expect !== undefined) response.writeContinue();
    const headers = http1Headers(request.rawHeaders, notPassed);
    headers.push('X-GatewayOps-Peer', request.socket.remoteAddress ?? '', 'X-Request-ID', requestId);
    const isStream = request.url?.startsWith('/v1/stream') === true;
    const onward = httpRequest({ agent: isStream ? ofStreams : agent, socketPath, method: request.method, path: request.url, headers });
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
