import { Fault } from '../../kernel/fault.ts';
import type { KeyRecord } from '../../store/registry/registry-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { excess } from '../permissions.ts';
import { expandRoles } from '../roles/require-roles.ts';
import { unknownObject } from '../unknown-object.ts';
import { ofPerson } from './of-person.ts';
import type { KeyWithSecret } from './create-key.ts';
import { newKeySecret } from './key-secret.ts';
import { checkOf } from './secret-check.ts';

/** How long the old secret stays good unless it is said, and at most. */
export const rotationGraceMs = 24 * 3_600_000;

/**
 * Gives a key a new secret; the old one stays good for `graceMs` more (0 to `rotationGraceMs`), the one before it ends now. Whoever gets the new secret
 * can use the key, so it may do no more than the actor. Faults: `unknown_object`, `forbidden`, `invalid_params` where it has
 * ended, `unavailable`.
 */
export async function rotateKey(context: ControlContext, id: string, graceMs: number = rotationGraceMs): Promise<KeyWithSecret> {
  const before = await context.registry.keys.find(context.organizationId, id);
  if (before === null) throw unknownObject('key', id);
  const beyond = excess(context.actor.grants, { ...before.scopes, actions: await expandRoles(context, before.scopes.actions) }, context.mcpActions);
  if (beyond !== null) throw new Fault('forbidden', { reason: `it cannot have the secret of a key that holds more: ${beyond}` });
  const { secret, prefix } = newKeySecret(before.environment);
  // Before the transaction: nothing but statements is awaited inside one.
  const hash = await context.secrets.hash(secret);
  const nowMs = context.clock.nowMs();

  const key = await context.registry.transaction(async ({ keys, access, audit }): Promise<KeyRecord> => {
    await access.touchKey(context.organizationId, id);
    const found = await keys.findForUpdate(context.organizationId, id);
    if (found === null) throw unknownObject('key', id);
    if (found.revokedAtMs !== null) throw new Fault('invalid_params', { reason: 'the key is revoked' });
    if (found.expiresAtMs !== null && found.expiresAtMs <= nowMs) throw new Fault('invalid_params', { reason: 'the key has expired' });
    const previous = { prefix: found.prefix, hash: found.hash, check: found.check, validUntilMs: nowMs + graceMs };
    const rotated = { prefix, hash, check: checkOf(secret, hash), previous, rotatedAtMs: nowMs };
    await keys.updateSecret(context.organizationId, id, rotated);
    await audit.insert(
      auditEvent(context, 'key.rotated', id, {
        name: ofPerson(found, found.name),
        prefix,
        previous_prefix: found.prefix,
        previous_valid_until_ms: nowMs + graceMs,
      }),
    );
    return { ...found, ...rotated };
  });
  await context.notify.keyChanged(id);
  context.log.info('key.rotated', { key_id: id, prefix, actor: context.actor.id });
  return { key, secret };
}
