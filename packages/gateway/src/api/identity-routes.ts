import { z } from '@hono/zod-openapi';
import { checkToken } from '../control/sign-in/check-token.ts';
import { bounds } from '../kernel/bounds.ts';
import { tokenSteps } from '../kernel/token-terms.ts';
import { body, json, route, type Api } from './route.ts';

/** Who vouches for callers: what an administrator asks of a token. */
export function identityRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'post',
      path: '/v1/identity/check',
      permission: 'people.read',
      changesNothing: true,
      tags: ['identity'],
      summary: 'Try a token of an issuer',
      description:
        'Says which test the token fails and how to mend it, or whom it is of. Nobody is let in by it and nothing is changed; the token is neither stored nor logged. Of a person whom the directory does not know yet `caller.id` is null: they would be made a user, or tied to the user with their address.',
      request: { body: body(requestSchema) },
      responses: { 200: json(z.object({ check: checkSchema }), 'What becomes of it.') },
    }),
    async (c) => {
      const { outcome, steps, failed, issuer, caller } = await checkToken(c.var.context(), c.req.valid('json').token);
      return c.json(
        {
          check: {
            outcome,
            failed,
            issuer,
            caller: caller && { kind: caller.kind, id: caller.id, email: caller.email, email_verified: caller.emailVerified, groups: [...caller.groups] },
            steps: [...steps],
          },
        },
        200,
      );
    },
  );
}

const requestSchema = z.strictObject({
  token: z.string().min(1).max(bounds.tokenCharsMax).openapi({ description: 'The token, without `Bearer`.' }),
});

const step = z.enum(tokenSteps);

const checkSchema = z
  .object({
    outcome: z.enum(['taken', 'refused', 'unavailable']),
    failed: z.object({ step, reason: z.string(), fix: z.string() }).nullable(),
    issuer: z.string().nullable().openapi({ description: 'Name of the issuer in the configuration.' }),
    caller: z
      .object({
        kind: z.enum(['user', 'service_account', 'agent']),
        id: z.string().nullable(),
        email: z.string().nullable(),
        email_verified: z.boolean(),
        groups: z.array(z.string()),
      })
      .nullable(),
    steps: z.array(z.object({ step, outcome: z.enum(['pass', 'fail', 'not_reached']) })),
  })
  .openapi('TokenCheck');
