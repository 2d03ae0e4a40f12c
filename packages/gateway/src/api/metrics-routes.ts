import { z } from '@hono/zod-openapi';
import { route, type Api } from './route.ts';

/** Metrics for Prometheus. */
export function metricsRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/metrics',
      permission: 'metrics.read',
      ofGateway: true,
      tags: ['metrics'],
      summary: 'The metrics of this node, for Prometheus',
      description:
        'The text format of https://prometheus.io/docs/instrumenting/exposition_formats/; docs/reference/metrics.md names every metric. Calls are counted from the first request on, or from the start where `listen.metrics` is set: then they are served there as well.',
      responses: { 200: { content: { 'text/plain': { schema: z.string() } }, description: 'Metrics, one a line.' } },
    }),
    async (c) => {
      const { contentType, text } = await c.var.context().exposition.text();
      return c.text(text, 200, { 'Content-Type': contentType });
    },
  );
}
