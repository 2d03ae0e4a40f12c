/** The gateway with one server behind it whose route asks for no credential, since the suite can send none. */
import { type RunningGateway, startGateway } from '../support/start-gateway.ts';

/** @returns the gateway, and the addresses of the server through it: its own, and that of all servers, whose names are the server's where there is but one */
export async function startGatewayBefore(serverUrl: string): Promise<{ gateway: RunningGateway; url: string; aggregateUrl: string }> {
  const gateway = await startGateway({
    config: {
      servers: [{ name: 'reference', url: serverUrl }],
      routes: [{ server: 'reference', auth: { type: 'none' } }],
      aggregate: { prefix: 'on-collision', auth: { type: 'none' } },
      log: { level: 'warn' },
    },
  });
  return { gateway, url: `${gateway.url}/mcp/reference`, aggregateUrl: `${gateway.url}/mcp` };
}
