import { OpenAPIHono } from '@hono/zod-openapi';
import { apiVersion, registerRoutes } from './app.ts';
import type { ApiEnvironment } from './route.ts';

/** The text of `openapi/openapi.json`: the one wall between the product and its clients, made from the routes. */
export function renderOpenApi(): string {
  const app = new OpenAPIHono<ApiEnvironment>();
  registerRoutes(app);
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key `gwo_…` or a session `session_…`.',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'gatewayops_session',
    description: 'A browser session; writes also need the own Origin and the header X-GatewayOps-CSRF. Over TLS the name begins with `__Host-`.',
  });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'GatewayOps control API', version: apiVersion, license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' } },
  });
  return `${JSON.stringify(document, null, 2)}\n`;
}
