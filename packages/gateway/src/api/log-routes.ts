import { z } from '@hono/zod-openapi';
import { listRequests } from '../control/logs/list-requests.ts';
import { bounds } from '../kernel/bounds.ts';
import { logFilters, logQuestion } from './call-question.ts';
import { requestBody, requestListSchema } from './log-shape.ts';
import { json, route, type Api } from './route.ts';
import { isoOf } from './trace-shape.ts';

/** The request log. */
export function logRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/logs/requests',
      permission: 'logs.read',
      tags: ['logs'],
      summary: 'The request log: one row a call, newest first',
      description: 'Calls that began at or after `start_time` and before `end_time` and fit all filters.',
      request: { query: listQuery },
      responses: { 200: json(requestListSchema, 'A page of calls.') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const page = await listRequests(c.var.context(), { ...logQuestion(query), limit: query.limit, cursor: query.cursor ?? null });
      return c.json(
        {
          requests: page.calls.map(requestBody),
          cursor: page.cursor,
          has_more: page.cursor !== null,
          estimated_total: page.estimatedTotal,
          scanned_range: { start_time: isoOf(page.scannedStartUs), end_time: isoOf(page.scannedEndUs) },
        },
        200,
      );
    },
  );
}

const listQuery = logFilters.extend({
  limit: z.coerce.number().int().min(1).max(bounds.requestsListMax).default(100),
  cursor: z.string().min(1).max(300).optional(),
});
