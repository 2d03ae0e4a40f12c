import { ownerKinds, referencesOf, rolePrefix, type Reference } from '../../kernel/directory.ts';
import type { KeyRecord, RegistryStore } from '../../store/registry/registry-store.ts';
import { within } from '../permissions.ts';
import { permissionsOf } from '../roles/built-in-roles.ts';

/** Who is behind a key, as the directory has it now. */
export interface Caller {
  /** What the key names, and what stands above that. */
  readonly lineage: readonly Reference[];
  /** The user or service account that it belongs to, where the directory knows it. */
  readonly owner: Reference | null;
  /** The key's own actions, with what its roles allow in their place; null: every MCP operation. */
  readonly held: readonly string[] | null;
  /** What the roles of its owner allow; null: it has no owner in the directory, who would limit it. */
  readonly granted: readonly string[] | null;
  /** What it may do: both. */
  readonly actions: readonly string[] | null;
}

/** Faults: `unavailable`. */
export async function readCaller(
  { registry, mcpActions }: { readonly registry: Pick<RegistryStore, 'directory'>; readonly mcpActions: readonly string[] },
  { organizationId, metadata, scopes }: KeyRecord,
): Promise<Caller> {
  const own =
    scopes.actions?.filter((action) => action.startsWith(rolePrefix)).map((action): Reference => ({ kind: 'role', id: action.slice(rolePrefix.length) })) ?? [];
  const named = referencesOf(metadata);
  if (own.length === 0 && named.length === 0) return { lineage: [], owner: null, held: scopes.actions, granted: null, actions: scopes.actions };
  // Apart: a role of the key must not be taken for one of its owner.
  const ancestors = await registry.directory.lineage(organizationId, named);
  const ofKey = own.length === 0 ? [] : await registry.directory.lineage(organizationId, own);
  const owner = ancestors.find(({ kind, isRegistered }) => isRegistered && ownerKinds.includes(kind)) ?? null;
  const held =
    own.length === 0
      ? scopes.actions
      : [...(scopes.actions ?? []).filter((action) => !action.startsWith(rolePrefix)), ...ofKey.flatMap((role) => permissionsOf(role, mcpActions))];
  const granted = owner === null ? null : ancestors.filter(({ kind }) => kind === 'role').flatMap((role) => permissionsOf(role, mcpActions));
  return {
    lineage: ancestors.filter(({ kind }) => kind !== 'role').map(({ kind, id }) => ({ kind, id })),
    owner: owner && { kind: owner.kind, id: owner.id },
    held,
    granted,
    actions: granted === null ? held : within(held, granted, mcpActions),
  };
}
