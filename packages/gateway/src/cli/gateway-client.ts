import { existsSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { dirname, join, resolve } from 'node:path';
import type { Environment } from '../config/environment.ts';
import { Fault } from '../kernel/fault.ts';
import { requireTrusted } from '../node/state-folder.ts';
import { statePaths } from '../node/state-paths.ts';
import type { CommandContext } from './command.ts';
import { RemoteFault } from './remote-fault.ts';
import { exitCodeOfStatus } from './report-problem.ts';
import { currentToken, gatewayUrl } from './token-client.ts';

/** The control API of a running gateway. */
export interface GatewayClient {
  /** Where it is, for people: a state folder or a URL. */
  readonly where: string;
  /**
   * The JSON body of a 2xx answer. `accept`: further statuses whose body is a result. Faults: `gateway_unreachable`,
   * `permission_denied`; RemoteFault for what the gateway refused.
   */
  request(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    more?: {
      readonly query?: Readonly<Record<string, string | undefined>>;
      readonly body?: unknown;
      readonly accept?: readonly number[];
      readonly headers?: Readonly<Record<string, string>>;
      /** Where the answer may take longer than answers do. */
      readonly timeoutMs?: number;
    },
  ): Promise<unknown>;
  /** The bytes of an answer as they come, however many. The stream fails where the gateway ends it early. Faults: as `request`. */
  download(path: string, query: Readonly<Record<string, string | undefined>>): Promise<IncomingMessage>;
}

/** As the API has it. */
const organizationHeader = 'gatewayops-organization';
export const defaultStateFolder = '.gatewayops';
/** Longer than the gateway waits for its ledger: what it says then is more than that nothing came. */
const answerTimeoutMs = 40_000;
const downloadTimeoutMs = 6 * 3_600_000;
const answerBytesMax = 64 * 1024 * 1024;

/** Where requests go: a socket, or an address with the path that stands before ours. */
interface Target extends Pick<RequestOptions, 'socketPath' | 'protocol' | 'hostname' | 'port'> {
  readonly base?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Who calls, as the header says it; null: nobody. */
  readonly authorization?: () => Promise<string | null>;
}

/**
 * The gateway that a command speaks to: of --state by its owner-only socket (whoever may open it is the operator), or at
 * --url or GATEWAYOPS_URL with the key in GATEWAYOPS_API_KEY or else as who has signed in there (`gateway login`), or of the nearest `.gatewayops` in this folder or above.
 */
export function openGatewayClient({ options, env, cwd }: Pick<CommandContext, 'options' | 'env' | 'cwd'>): GatewayClient {
  const state = options.text('state');
  const organization = options.text('organization') ?? env['GATEWAYOPS_ORGANIZATION'];
  const about = organization === undefined ? {} : { [organizationHeader]: organization };
  if (state !== undefined && options.text('url') !== undefined) throw new Fault('usage', { reason: 'Give --state or --url, not both.' });
  const url = state === undefined ? (options.text('url') ?? env['GATEWAYOPS_URL']) : undefined;
  if (url !== undefined) {
    const target = remote(url, env);
    return client(url, { ...target, headers: { ...target.headers, ...about } });
  }
  const folder = state === undefined ? findStateFolder(cwd) : resolve(cwd, state);
  if (folder === null) throw new Fault('gateway_unreachable', { where: `${join(cwd, defaultStateFolder)} or above` });
  const paths = statePaths(folder);
  requireTrusted(paths);
  return client(folder, { socketPath: paths.adminSocket, headers: about });
}

/** The nearest state folder from `from` upwards, or null. */
export function findStateFolder(from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, defaultStateFolder);
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) return null;
  }
}

function remote(text: string, env: Environment): Target {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new Fault('usage', { reason: '--url must be an http:// or https:// address, such as http://127.0.0.1:8080.' });
  if (url.username !== '' || url.password !== '')
    throw new Fault('usage', { reason: 'An address must not hold a credential; set GATEWAYOPS_API_KEY instead.' });
  const key = env['GATEWAYOPS_API_KEY'];
  return {
    protocol: url.protocol,
    hostname: url.hostname.replaceAll(/[[\]]/g, ''),
    port: url.port,
    base: url.pathname.replace(/\/+$/, ''),
    async authorization() {
      const secret = key ?? (await currentToken(env, gatewayUrl(text)));
      return secret === null ? null : `Bearer ${secret}`;
    },
  };
}

function client(where: string, target: Target): GatewayClient {
  const { base = '', authorization, ...place } = target;
  const headersOf = async (more: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> => {
    const caller = (await authorization?.()) ?? null;
    return { ...place.headers, ...(caller === null ? {} : { authorization: caller }), ...more };
  };
  const pathOf = (path: string, query: Readonly<Record<string, string | undefined>>): string => {
    const search = new URLSearchParams(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)).toString();
    return `${base}${path}${search === '' ? '' : `?${search}`}`;
  };
  return {
    where,
    async download(path, query) {
      const response = await open(where, { ...place, method: 'GET', path: pathOf(path, query), headers: await headersOf({}) }, undefined, downloadTimeoutMs);
      if (response.statusCode === 200) return response;
      throw refusal(where, response.statusCode ?? 0, parseObject(await readAll(response)));
    },
    async request(method, path, { query = {}, body, accept = [], headers = {}, timeoutMs = answerTimeoutMs } = {}) {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const answer = await send(where, { ...place, method, path: pathOf(path, query), headers: await headersOf(headers) }, payload, timeoutMs);
      // 204 No Content: it is done, and there is nothing to say.
      const parsed = answer.status === 204 ? {} : parseObject(answer.text);
      if (parsed !== null && ((answer.status >= 200 && answer.status < 300) || accept.includes(answer.status))) return parsed;
      throw refusal(where, answer.status, parsed);
    },
  };
}

function refusal(where: string, status: number, body: Record<string, unknown> | null): RemoteFault | Fault {
  // The public fix is for who speaks HTTP.
  if (body !== null && body['error'] === 'unauthorized')
    return new RemoteFault(
      status,
      { ...body, fix: 'Set GATEWAYOPS_API_KEY to a key of this gateway, sign in with `gateway login --url URL`, or use --state on its machine.' },
      exitCodeOfStatus,
    );
  if (body !== null && 'error' in body) return new RemoteFault(status, body, exitCodeOfStatus);
  return new Fault('gateway_unreachable', { where }, { cause: new Error(`something else answered there (status ${status})`) });
}

interface Ask extends Target {
  readonly method: string;
  readonly path: string;
}

async function send(where: string, ask: Ask, payload: string | undefined, timeoutMs: number): Promise<{ status: number; text: string }> {
  const response = await open(where, ask, payload, timeoutMs);
  try {
    return { status: response.statusCode ?? 0, text: await readAll(response) };
  } catch (error) {
    throw connectionFault(where, ask, error);
  }
}

function open(where: string, options: Ask, payload: string | undefined, timeoutMs: number): Promise<IncomingMessage> {
  return new Promise((resolveAnswer, reject) => {
    const request = (options.protocol === 'https:' ? httpsRequest : httpRequest)({
      ...options,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        ...options.headers,
        accept: 'application/json',
        ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
      },
    });
    request.on('error', (error) => reject(connectionFault(where, options, error)));
    request.on('response', resolveAnswer);
    request.end(payload);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error('its answer is larger than 64 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function connectionFault(where: string, { socketPath }: Target, error: unknown): Fault {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if ((code === 'EACCES' || code === 'EPERM') && typeof socketPath === 'string') return new Fault('permission_denied', { path: socketPath }, { cause: error });
  const reasons: Record<string, string> = {
    ENOENT: 'no gateway has its socket there',
    ENOTDIR: 'that is no state folder',
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'the name is not known',
    EAI_AGAIN: 'the name cannot be looked up',
    ECONNRESET: 'the connection was closed before an answer came',
  };
  const cause = name === 'TimeoutError' || name === 'AbortError' ? 'no answer came in time' : (reasons[code ?? ''] ?? message);
  return new Fault('gateway_unreachable', { where }, { cause: new Error(cause) });
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
