import { lookup } from 'node:dns';
import { Client, SdkError, SdkErrorCode, StreamableHTTPClientTransport, type Prompt, type Tool } from '@modelcontextprotocol/client';
import { Agent, fetch as undiciFetch } from 'undici';
import { guardLookup, networksOf, refusedHost } from '../../kernel/outward-address.ts';
import { listedFacts } from '../../kernel/tool-facts.ts';
import type { TlsData } from '../../snapshot/upstream-data.ts';
import type { ListedPrompt, ListedResource, ListedTool, ServerTest } from './test-server.ts';

/** Where a server is reached and how long each step may take. */
export interface ServerTarget {
  readonly name: string;
  /** `http://host:port`. */
  readonly origin: string;
  readonly upstreamPath: string;
  readonly socketPath: string | null;
  readonly credential: { readonly header: string; readonly value: string } | null;
  /** PEM text, where the server has settings for TLS. */
  readonly tls?: TlsData | null;
  /** Networks that it may be in although nothing is sent there by default. */
  readonly allowedNetworks?: readonly string[];
}

const testTimeoutMs = 10_000;
const answerBytesMax = 8 * 1024 * 1024;
const toolsMax = 2000;
const pagesMax = 50;
/** Of resources, of templates and of prompts each. */
const othersMax = 500;
const uriCharsMax = 2048;
const argumentsMax = 50;
const descriptionCharsMax = 500;
/** Of one schema, as JSON; of all that an answer holds. */
const schemaCharsMax = 64 * 1024;
const schemasCharsMax = 2 * 1024 * 1024;

/**
 * Connects to a server as a client would: handshake in whichever era it speaks, then `tools/list`, then what it offers beside tools, `timeoutMs` in all. A
 * server that fails is a result.
 */
export async function runServerTest(target: ServerTarget, timeoutMs = testTimeoutMs): Promise<ServerTest> {
  const signal = AbortSignal.timeout(timeoutMs);
  let networkError: unknown;
  let refusal: string | null = null;
  const { socketPath } = target;
  const allowed = networksOf(target.allowedNetworks ?? []);
  const refused = socketPath === null ? refusedHost(new URL(target.origin).hostname, allowed) : null;
  if (refused !== null) return { ...untested, failedAt: 'connect', reason: `its address is refused: ${refused}`, fix: fixes.refused };
  const agent = new Agent({
    maxResponseSize: answerBytesMax,
    connect: { ...(socketPath === null ? {} : { socketPath }), lookup: guardLookup(lookup, allowed), ...tlsOptions(target.tls ?? null) },
  });
  const client = new Client({ name: 'gatewayops-test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  const transport = new StreamableHTTPClientTransport(new URL(target.upstreamPath, target.origin), {
    fetch: async (url, init) => {
      try {
        const answer = await undiciFetch(url, { ...(init as object), dispatcher: agent, redirect: 'error' });
        networkError = undefined;
        refusal = answer.ok ? null : await refusalOf(answer.clone());
        return answer;
      } catch (error) {
        // The SDK tells its own story of it; what the network said helps more.
        networkError = error;
        throw error;
      }
    },
    ...(target.credential ? { requestInit: { headers: { [target.credential.header]: target.credential.value } } } : {}),
  });
  const result: { -readonly [Name in keyof ServerTest]: ServerTest[Name] } = { ...untested };
  const startedAt = performance.now();
  let step: NonNullable<ServerTest['failedAt']> = 'handshake';
  try {
    await client.connect(transport, { signal, timeout: timeoutMs });
    result.handshakeMs = since(startedAt);
    result.era = client.getProtocolEra() ?? null;
    result.protocolVersion = client.getNegotiatedProtocolVersion() ?? null;
    result.serverName = client.getServerVersion()?.name ?? null;
    result.serverVersion = client.getServerVersion()?.version ?? null;
    step = 'tools';
    const listedAt = performance.now();
    if (client.getServerCapabilities()?.tools) Object.assign(result, await listTools(client, signal));
    else result.tools = [];
    result.toolsMs = since(listedAt);
    result.ok = true;
    Object.assign(result, await listOthers(client, signal));
  } catch (error) {
    const isRefused = isBadPort(networkError);
    const failedAt = step === 'handshake' && (isRefused || isConnectFailure(networkError)) ? 'connect' : step;
    const said = isRefused ? badPort : networkError === undefined && !signal.aborted ? refusal : null;
    Object.assign(result, { failedAt, reason: said ?? reasonOf(networkError ?? error, signal), fix: fixes[isRefused ? 'badPort' : failedAt] });
  } finally {
    await Promise.race([transport.terminateSession().catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
    await client.close().catch(() => undefined);
    await agent.destroy();
  }
  return result;
}

const fixes = {
  refused: 'Give it another address, or name this one under its allow_addresses.',
  badPort: 'Let it listen at another port.',
  connect:
    "Check that the server is running and that the gateway's machine reaches this address and port. If its certificate is from your own authority, name that authority under tls.ca.",
  handshake: 'It was reached, but not as an MCP server: see that the path of its address is right, and that it takes the credential that the gateway sends.',
  tools: 'It takes clients, but does not list its tools: its own log says why.',
} as const;

/** As calls have it. */
function tlsOptions(tls: TlsData | null): { minVersion: 'TLSv1.2'; ca?: string; cert?: string; key?: string; servername?: string } {
  return {
    minVersion: 'TLSv1.2',
    ...(tls?.ca ? { ca: tls.ca } : {}),
    ...(tls?.cert ? { cert: tls.cert } : {}),
    ...(tls?.key ? { key: tls.key } : {}),
    ...(tls?.serverName ? { servername: tls.serverName } : {}),
  };
}

const untested: ServerTest = {
  ok: false,
  failedAt: null,
  reason: null,
  fix: null,
  era: null,
  protocolVersion: null,
  serverName: null,
  serverVersion: null,
  tools: null,
  toolsCut: false,
  resources: null,
  prompts: null,
  othersCut: false,
  handshakeMs: null,
  toolsMs: null,
};

/** Page by page within bounds: the client's own list would follow a server for as long as it likes. */
async function listTools(client: Client, signal: AbortSignal): Promise<Pick<ServerTest, 'tools' | 'toolsCut'>> {
  const tools: ListedTool[] = [];
  const room = { chars: schemasCharsMax };
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax && tools.length < toolsMax; page += 1) {
    const listed = await client.request({ method: 'tools/list', params: cursor === undefined ? {} : { cursor } }, { signal, timeout: testTimeoutMs });
    tools.push(...listed.tools.map((tool) => listedTool(tool, room)));
    cursor = listed.nextCursor;
    if (cursor === undefined) return { tools: tools.slice(0, toolsMax), toolsCut: tools.length > toolsMax };
  }
  return { tools: tools.slice(0, toolsMax), toolsCut: true };
}

/** What it offers beside tools. The test is of its tools: a list of others that cannot be had is not known, and no failure. */
async function listOthers(client: Client, signal: AbortSignal): Promise<Pick<ServerTest, 'resources' | 'prompts' | 'othersCut'>> {
  const can = client.getServerCapabilities();
  const options = { signal, timeout: testTimeoutMs };
  let othersCut = false;
  const listAll = async <Entry>(list: (params: { cursor?: string }) => Promise<{ readonly entries: readonly Entry[]; readonly next: string | undefined }>) => {
    const all: Entry[] = [];
    let params = {};
    for (let page = 0; page < pagesMax && all.length <= othersMax; page += 1) {
      const { entries, next } = await list(params);
      all.push(...entries);
      if (next === undefined) return cut(all);
      params = { cursor: next };
    }
    othersCut = true;
    return cut(all);
  };
  const cut = <Entry>(all: readonly Entry[]): readonly Entry[] => {
    othersCut ||= all.length > othersMax;
    return all.slice(0, othersMax);
  };
  const resources = async (): Promise<readonly ListedResource[]> => [
    ...(await listAll(async (params) => {
      const { resources: entries, nextCursor: next } = await client.request({ method: 'resources/list', params }, options);
      return { entries: entries.map(({ uri, ...entry }) => listedResource(uri, false, entry)), next };
    })),
    ...(await listAll(async (params) => {
      const { resourceTemplates: entries, nextCursor: next } = await client.request({ method: 'resources/templates/list', params }, options);
      return { entries: entries.map(({ uriTemplate, ...entry }) => listedResource(uriTemplate, true, entry)), next };
    })),
  ];
  const prompts = (): Promise<readonly ListedPrompt[]> =>
    listAll(async (params) => {
      const { prompts: entries, nextCursor: next } = await client.request({ method: 'prompts/list', params }, options);
      return { entries: entries.map(listedPrompt), next };
    });
  const known = async <Entry>(offers: unknown, list: () => Promise<readonly Entry[]>): Promise<readonly Entry[] | null> =>
    offers === undefined ? [] : list().catch(() => null);
  return { resources: await known(can?.resources, resources), prompts: await known(can?.prompts, prompts), othersCut };
}

function listedResource(
  uri: string,
  isTemplate: boolean,
  entry: { name: string; description?: string | undefined; mimeType?: string | undefined },
): ListedResource {
  const { name, description = '', mimeType = null } = entry;
  return { uri: uri.slice(0, uriCharsMax), isTemplate, name, description: description.slice(0, descriptionCharsMax), mimeType };
}

function listedPrompt({ name, description = '', arguments: args = [] }: Prompt): ListedPrompt {
  return {
    name,
    description: description.slice(0, descriptionCharsMax),
    arguments: args.slice(0, argumentsMax).map((one) => ({
      name: one.name,
      description: (one.description ?? '').slice(0, descriptionCharsMax),
      required: one.required === true,
    })),
  };
}

/** `room`: what is left for schemas; what does not fit is left out, whole. */
function listedTool(tool: Tool, room: { chars: number }): ListedTool {
  const fitting = (schema: object | undefined): Readonly<Record<string, unknown>> | null => {
    const { length } = JSON.stringify(schema ?? {});
    if (schema === undefined || length > Math.min(schemaCharsMax, room.chars)) return null;
    room.chars -= length;
    return schema as Readonly<Record<string, unknown>>;
  };
  return {
    name: tool.name,
    description: (tool.description ?? '').slice(0, descriptionCharsMax),
    ...listedFacts(tool),
    inputSchema: fitting(tool.inputSchema),
    outputSchema: fitting(tool.outputSchema),
  };
}

/** System codes of a connection that was never made, on the error or on what caused it. */
function isConnectFailure(error: unknown): boolean {
  return /^(?:ECONN|ENOTFOUND|EAI_|EHOST|ENET|ENOENT|EPIPE|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ADDRESS_REFUSED|UND_ERR_(?:CONNECT|SOCKET))/.test(
    causeCode(error),
  );
}

const badPort = 'the port of its address is one of those that fetch never connects to (bad port), and it is tested by fetch';

/** What fetch says of a port of its list, without a code: https://fetch.spec.whatwg.org/#port-blocking. */
function isBadPort(error: unknown): boolean {
  return deepestText(error) === 'bad port';
}

function causeCode(error: unknown): string {
  let at = error;
  for (let depth = 0; depth < 6 && at instanceof Error; depth += 1) {
    const code = 'code' in at ? at.code : undefined;
    if (typeof code === 'string' && code === code.toUpperCase()) return code;
    at = at.cause;
  }
  return '';
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted || (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout)) return 'no answer in time';
  const code = causeCode(error);
  const text = deepestText(error);
  return (code === '' ? text : `${code}: ${text}`).slice(0, descriptionCharsMax);
}

/** What a server said with its refusal, where that is a JSON-RPC error: why its program ended, for one. */
async function refusalOf(answer: { readonly status: number; json(): Promise<unknown> }): Promise<string | null> {
  const body = await answer.json().catch(() => null);
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : null;
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : null;
  return typeof message === 'string' && message !== '' ? `HTTP ${answer.status}: ${message}`.slice(0, descriptionCharsMax) : null;
}

function deepestText(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? deepestText(error.cause) : error instanceof Error ? error.message : String(error);
}

function since(startedAt: number): number {
  return Math.round((performance.now() - startedAt) * 10) / 10;
}
