import { createKeyFor } from './keys/create-key.ts';
import type { ControlContext } from './context.ts';
import { createAdminLink } from './sessions/create-admin-link.ts';

export interface FirstStart {
  /** The first key's secret, shown once; null where there has been a key before. */
  readonly apiKey: string | null;
  /** A one-time link to an administrator session; null likewise. */
  readonly adminLink: string | null;
}

/**
 * What a fresh install shows once: a key that holds everything, and a link. Of several nodes that start at once on one
 * registry, one makes them. Faults: `unavailable`.
 */
export async function firstStart(context: ControlContext): Promise<FirstStart> {
  if (await context.registry.keys.any(context.organizationId)) return { apiKey: null, adminLink: null };
  const created = await createKeyFor(
    context,
    { name: 'first key', environment: null, scopes: { servers: null, actions: ['*'] }, metadata: {}, expiresAtMs: null },
    (keys) => keys.lockEmpty(context.organizationId),
  );
  if (created === null) return { apiKey: null, adminLink: null };
  return { apiKey: created.secret, adminLink: (await createAdminLink(context)).url };
}
