import { z } from '@hono/zod-openapi';
import { json, route, type Api } from './route.ts';

/** The document of this API itself, as this version serves it. */
export function documentRoutes(api: Api): void {
  let text: Promise<string> | null = null;
  api.openapi(
    route({
      method: 'get',
      path: '/v1/openapi.json',
      permission: 'signed_in',
      tags: ['document'],
      summary: 'This document',
      description: 'OpenAPI 3.1: every operation with its permission (`x-permission`), and what is deprecated with its end (`x-sunset`).',
      responses: { 200: json(z.looseObject({ openapi: z.string() }), 'The document.') },
    }),
    async (c) => {
      // Made of all routes, of which this is one; seldom asked for.
      text ??= import('./openapi-document.ts').then(({ renderOpenApi }) => renderOpenApi());
      c.header('Content-Type', 'application/json');
      return c.body(await text) as never;
    },
  );
}
