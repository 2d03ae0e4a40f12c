import type { Reference } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import type { KeyRecord } from '../../store/registry/registry-store.ts';
import type { ScimConnection, ScimConnectionUse } from '../../store/registry/scim-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { createKey, type KeyWithSecret } from '../keys/create-key.ts';
import { revokeKey } from '../keys/revoke-key.ts';
import { rotateKey } from '../keys/rotate-key.ts';
import { requireHeld } from '../roles/require-roles.ts';
import { unknownObject } from '../unknown-object.ts';
import { provisioningRules, scimPermission } from './scim-context.ts';

/** A connection with the key that the provider shows; null: the key is gone. */
export interface ConnectionView extends ScimConnectionUse {
  readonly key: KeyRecord | null;
}

/** Where providers send to, below the address of the gateway. */
export const scimPath = '/scim/v2';

/** The organization's, by provider. Faults: `unavailable`. */
export async function listConnections({ registry, organizationId }: ControlContext): Promise<readonly ConnectionView[]> {
  const connections = await registry.scim.connections(organizationId);
  return Promise.all(connections.map(async (one) => ({ ...one, key: await registry.keys.find(organizationId, one.keyId) })));
}

/**
 * Lets an identity provider of the configuration send users and groups; its token is in the answer and nowhere else. Faults: `unknown_object`,
 * `already_exists`, `forbidden`, `unavailable`.
 */
export async function createConnection(context: ControlContext, provider: string): Promise<KeyWithSecret> {
  const { registry, organizationId, clock, actor } = context;
  await requireMayProvision(context, provider);
  const exists = new Fault('already_exists', { kind: 'SCIM connection', name: provider });
  if ((await registry.scim.findConnection(organizationId, provider)) !== null) throw exists;
  const made = await createKey(context, {
    name: `SCIM of ${provider}`,
    environment: null,
    scopes: { servers: [], actions: [scimPermission] },
    metadata: {},
    expiresAtMs: null,
  });
  const connection: ScimConnection = { organizationId, provider, keyId: made.key.id, createdAtMs: clock.nowMs(), createdBy: actor.id };
  const isFirst = await registry.transaction(async ({ access, scim, audit }) => {
    await access.lock(organizationId);
    if ((await scim.findConnection(organizationId, provider)) !== null) return false;
    await scim.insertConnection(connection);
    await audit.insert(auditEvent(context, 'scim_connection.created', provider, { key_id: made.key.id }));
    return true;
  });
  if (!isFirst) {
    await revokeKey(context, made.key.id);
    throw exists;
  }
  return made;
}

/** Another token; the one before is good for 24 hours more. Faults: `unknown_object`, `forbidden`, `invalid_params` where the key is revoked, `unavailable`. */
export async function rotateConnection(context: ControlContext, provider: string): Promise<KeyWithSecret> {
  const { keyId } = await requireConnection(context, provider);
  await requireMayProvision(context, provider);
  return await rotateKey(context, keyId);
}

/**
 * Whoever has its token puts users into groups: so nobody gets it who does not hold all that the mapping could give them. Faults: `unknown_object` for a provider
 * that is not configured, `forbidden`, `unavailable`.
 */
async function requireMayProvision(context: ControlContext, provider: string): Promise<void> {
  const { registry, organizationId } = context;
  const rules = provisioningRules(context, organizationId, provider);
  if (rules === null) throw unknownObject('provider', provider);
  const named = new Set([...rules.firstRoleIds, ...rules.mapping.flatMap(({ roleIds }) => roleIds)]);
  const roles = [...named].map((id): Reference => ({ kind: 'role', id }));
  // What is not there gives nothing yet; whoever makes it holds what it allows, and so does everybody who is given it.
  const found = await registry.directory.lineage(organizationId, roles);
  await requireHeld(
    context,
    found.filter(({ isRegistered }) => isRegistered),
  );
}

/** Its tokens are good no more. What the provider has sent stays, for a connection that is made again. Faults: `unknown_object`, `unavailable`. */
export async function deleteConnection(context: ControlContext, provider: string): Promise<void> {
  const { registry, organizationId } = context;
  const { keyId } = await requireConnection(context, provider);
  // First: a connection without a good key can be deleted again.
  await revokeKey(context, keyId);
  await registry.transaction(async ({ access, scim, audit }) => {
    await access.lock(organizationId);
    await scim.deleteConnection(organizationId, provider);
    await audit.insert(auditEvent(context, 'scim_connection.deleted', provider, { key_id: keyId }));
  });
}

async function requireConnection({ registry, organizationId }: ControlContext, provider: string): Promise<ScimConnection> {
  const found = await registry.scim.findConnection(organizationId, provider);
  if (found === null) throw unknownObject('scim_connection', provider);
  return found;
}
