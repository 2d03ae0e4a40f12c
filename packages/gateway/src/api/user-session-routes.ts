import { z } from '@hono/zod-openapi';
import { endOwnSession, endUserSession, endUserSessions } from '../control/sessions/end-session.ts';
import { listOwnSessions, listUserSessions, type SessionView } from '../control/sessions/list-sessions.ts';
import { bounds } from '../kernel/bounds.ts';
import { entryIdPattern } from '../kernel/directory.ts';
import { json, route, timeSchema, type Api } from './route.ts';

/** The sessions that somebody has: their own, and for an administrator those of a user. */
export function userSessionRoutes(api: Api): void {
  const list = z.object({ sessions: z.array(sessionSchema) });
  const all = `${bounds.sessionsPerHolderMax} at most: whoever opens another ends the oldest.`;
  api.openapi(
    route({
      method: 'get',
      path: '/v1/me/sessions',
      permission: 'signed_in',
      tags: ['sessions'],
      summary: "List one's own sessions, newest first",
      description: `${all} To a key, those that links of its making have opened.`,
      responses: { 200: json(list, 'The sessions.') },
    }),
    async (c) => c.json({ sessions: (await listOwnSessions(c.var.context())).map(sessionBody) }, 200),
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/me/sessions/{session_id}',
      permission: 'signed_in',
      tags: ['sessions'],
      summary: "End one of one's own sessions",
      request: { params: z.object({ session_id: sessionId }) },
      responses: { 204: { description: 'It is over, on every node.' } },
    }),
    async (c) => {
      await endOwnSession(c.var.context(), c.req.valid('param').session_id);
      return c.body(null, 204);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/users/{id}/sessions',
      permission: 'sessions.read',
      tags: ['sessions'],
      summary: 'List the sessions of a user, newest first',
      description: all,
      request: { params: z.object({ id: userId }) },
      responses: { 200: json(list, 'The sessions.') },
    }),
    async (c) => c.json({ sessions: (await listUserSessions(c.var.context(), c.req.valid('param').id)).map(sessionBody) }, 200),
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/users/{id}/sessions',
      permission: 'sessions.write',
      tags: ['sessions'],
      summary: 'End every session of a user',
      description:
        'With them what clients were allowed in their name ends, too: their tokens are refused. They can sign in again; to keep them out, switch the user off, which ends their sessions too.',
      request: { params: z.object({ id: userId }) },
      responses: {
        200: json(
          z.object({
            ended: z.array(z.string()).openapi({ description: 'Their ids.' }),
            revoked_grants: z.array(z.string()).openapi({ description: 'Ids of the grants that ended with them.' }),
          }),
          'They are over, on every node.',
        ),
      },
    }),
    async (c) => {
      const { sessions, grants } = await endUserSessions(c.var.context(), c.req.valid('param').id);
      return c.json({ ended: [...sessions], revoked_grants: [...grants] }, 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/users/{id}/sessions/{session_id}',
      permission: 'sessions.write',
      tags: ['sessions'],
      summary: 'End a session of a user',
      request: { params: z.object({ id: userId, session_id: sessionId }) },
      responses: { 204: { description: 'It is over, on every node.' } },
    }),
    async (c) => {
      const { id, session_id: sessionIdOf } = c.req.valid('param');
      await endUserSession(c.var.context(), id, sessionIdOf);
      return c.body(null, 204);
    },
  );
}

const userId = z.string().regex(entryIdPattern, 'it is no id').openapi({ example: 'usr_ana' });
const sessionId = z.string().max(100).openapi({ example: 'ses_4f2K9' });

const sessionSchema = z
  .object({
    id: z.string(),
    user_id: z.string().nullable().openapi({ description: "Null: it is an administrator's, opened by a link." }),
    provider: z.string().nullable().openapi({ description: 'The identity provider that the user signed in by.' }),
    ip: z.string().openapi({ description: 'Where it was opened from.' }),
    user_agent: z.string(),
    created_at: timeSchema,
    last_seen_at: timeSchema.nullable().openapi({ description: 'To the minute.' }),
    expires_at: timeSchema.openapi({ description: 'When it is over if it is not used.' }),
    current: z.boolean().openapi({ description: 'Whether it is the one that asks.' }),
  })
  .openapi('Session');

export function sessionBody({ record, expiresAtMs, current }: SessionView): z.infer<typeof sessionSchema> {
  return {
    id: record.id,
    user_id: record.user?.id ?? null,
    provider: record.user?.provider ?? null,
    ip: record.peer,
    user_agent: record.userAgent,
    created_at: new Date(record.createdAtMs).toISOString(),
    last_seen_at: record.seenAtMs === 0 ? null : new Date(record.seenAtMs).toISOString(),
    expires_at: new Date(expiresAtMs).toISOString(),
    current,
  };
}
