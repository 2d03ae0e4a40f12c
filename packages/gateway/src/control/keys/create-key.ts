import { bounds } from '../../kernel/bounds.ts';
import { rolePrefix } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import { newKeyId } from '../../kernel/id.ts';
import type { KeyRecord, KeyScopes, KeyWrites } from '../../store/registry/registry-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { nameOwner } from './name-owner.ts';
import { ofPerson } from './of-person.ts';
import { excess, isKnownAction } from '../permissions.ts';
import { expandRoles } from '../roles/require-roles.ts';
import { ownServers } from '../servers/own-servers.ts';
import { newKeySecret } from './key-secret.ts';
import { checkOf } from './secret-check.ts';

export interface CreateKeyInput {
  readonly name: string;
  /** Null: the one of the configuration. */
  readonly environment: string | null;
  readonly scopes: KeyScopes;
  readonly metadata: Readonly<Record<string, string>>;
  readonly expiresAtMs: number | null;
}

/** A key and its secret, which exists nowhere else and is never shown again. */
export interface KeyWithSecret {
  readonly key: KeyRecord;
  readonly secret: string;
}

/**
 * Makes a key. It may do no more than its maker. Faults: `invalid_params` for a name, server, action, metadata or time that
 * cannot be; `forbidden` where it would exceed its maker; `unavailable`.
 */
export async function createKey(context: ControlContext, input: CreateKeyInput): Promise<KeyWithSecret> {
  const created = await createKeyFor(context, input, async () => true);
  if (created === null) throw new TypeError('a key without a condition was not made');
  return created;
}

/** The same under a condition that is asked inside the transaction: null, and no key, where it does not hold. */
export async function createKeyFor(
  context: ControlContext,
  input: CreateKeyInput,
  condition: (keys: KeyWrites) => Promise<boolean>,
): Promise<KeyWithSecret | null> {
  requireValid(context, input);
  const wanted = { ...input.scopes, actions: await expandRoles(context, input.scopes.actions) };
  const beyond = excess(context.actor.grants, wanted, context.mcpActions);
  if (beyond !== null) throw new Fault('forbidden', { reason: `it cannot give a key more than it holds: ${beyond}` });

  const environment = input.environment ?? context.config.keys.environment;
  const { secret, prefix } = newKeySecret(environment);
  const hash = await context.secrets.hash(secret);
  const draft: KeyRecord = {
    id: newKeyId(),
    organizationId: context.organizationId,
    name: input.name,
    environment,
    prefix,
    hash,
    check: checkOf(secret, hash),
    previous: null,
    scopes: input.scopes,
    metadata: input.metadata,
    createdAtMs: context.clock.nowMs(),
    createdBy: context.actor.id,
    expiresAtMs: input.expiresAtMs,
    rotatedAtMs: null,
    revokedAtMs: null,
  };
  const key = await context.registry.transaction(async ({ keys, directory, audit }): Promise<KeyRecord | null> => {
    if (!(await condition(keys))) return null;
    for (const id of rolesIn(draft.scopes.actions))
      if (!(await directory.hold(context.organizationId, { kind: 'role', id }))) throw invalid(`there is no role ${id}`);
    const made = { ...draft, metadata: await nameOwner(directory, context.organizationId, draft.metadata) };
    await keys.insert(made);
    await audit.insert(
      auditEvent(context, 'key.created', made.id, {
        name: ofPerson(made, made.name),
        prefix,
        scopes: made.scopes,
        metadata: ofPerson(made, made.metadata),
        expires_at_ms: made.expiresAtMs,
      }),
    );
    return made;
  });
  if (key === null) return null;
  context.log.info('key.created', { key_id: key.id, prefix, actor: context.actor.id });
  return { key, secret };
}

function requireValid(context: ControlContext, { name, environment, scopes, metadata, expiresAtMs }: CreateKeyInput): void {
  const { mcpActions, clock } = context;
  const servers = ownServers(context);
  if (name.trim() === '' || name.length > bounds.keyNameCharsMax) throw invalid(`name must have 1 to ${bounds.keyNameCharsMax} characters`);
  if (/\p{Cc}/u.test(name)) throw invalid('name must not hold control characters');
  if (environment !== null && !/^[a-z0-9-]{1,32}$/.test(environment)) throw invalid('environment must be 1 to 32 of a–z, 0–9 and -');
  const unknownServer = scopes.servers?.find((server) => !servers.some((known) => known.name === server));
  if (unknownServer !== undefined) throw invalid(`scopes.mcp_servers names the server ${unknownServer}, which is not configured`);
  const unknownAction = scopes.actions?.find((action) => !action.startsWith(rolePrefix) && !isKnownAction(action, mcpActions));
  if (unknownAction !== undefined) throw invalid(`scopes.actions names ${unknownAction}, which is no MCP operation, no permission and no role`);
  if ('created_by' in metadata) throw invalid('metadata.created_by is written by the gateway');
  if (expiresAtMs !== null && expiresAtMs <= clock.nowMs()) throw invalid('expires_at must lie in the future');
}

function rolesIn(actions: readonly string[] | null): readonly string[] {
  return actions?.filter((action) => action.startsWith(rolePrefix)).map((action) => action.slice(rolePrefix.length)) ?? [];
}

function invalid(reason: string): Fault {
  return new Fault('invalid_params', { reason });
}
