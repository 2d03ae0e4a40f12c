import type { EndpointData } from '../../packages/gateway/src/snapshot/endpoint-data.ts';
import type { ServerData } from '../../packages/gateway/src/snapshot/snapshot.ts';

/** A server of a snapshot with nothing configured but what a test names. */
export function plainServerData(more: Partial<ServerData>): ServerData {
  return {
    name: 's1',
    path: '/mcp/s1',
    auth: 'apiKey',
    transport: 'http',
    origin: 'http://127.0.0.1:1',
    upstreamPath: '/mcp',
    socketPath: null,
    timeoutMs: 2_000,
    connectionsMax: 100,
    credential: null,
    price: { perCallNano: '0', perTokenInputNano: '0', perTokenOutputNano: '0', by: 'default' },
    toolPrices: {},
    ...more,
  };
}

/** An address of these servers, `/mcp` with nothing configured but what a test names. */
export function plainEndpointData(servers: readonly string[], more: Partial<EndpointData> = {}): EndpointData {
  return {
    name: '*',
    path: '/mcp',
    auth: 'apiKey',
    servers,
    prefix: 'always',
    nameCharsMax: 64,
    clientNameCharsMax: {},
    pageSize: 1000,
    toolExposure: 'all',
    deadlineMs: 5_000,
    tools: null,
    resources: null,
    prompts: null,
    ...more,
  };
}
