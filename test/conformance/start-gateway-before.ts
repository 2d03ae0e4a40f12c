/** The gateway with one server behind it whose route asks for no credential, since the suite can send none. */
import { type RunningGateway, startGateway } from '../support/start-gateway.ts';

/** @returns the gateway, and the address of the server through it */
export async function startGatewayBefore(serverUrl: string): Promise<{ gateway: RunningGateway; url: string }> {
  const gateway = await startGateway({
    config: {
      servers: [{ name: 'reference', url: serverUrl }],
      routes: [{ server: 'reference', auth: { type: 'none' } }],
      log: { level: 'warn' },
    },
  });
  return { gateway, url: `${gateway.url}/mcp/reference` };
}
