import { foldText, nouns, nounKinds } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import type { OrganizationId } from '../../kernel/id.ts';
import type { DirectoryWrites } from '../../store/registry/directory-store.ts';
import type { KeyRecord } from '../../store/registry/registry-store.ts';

/**
 * A key's metadata with ids where it named something of the directory by its name or address; what it names stays until the transaction ends.
 * Names that the directory does not know are free text and stay as they are, but for ids that only the gateway makes. Faults: `invalid_params`.
 */
export async function nameOwner(
  directory: Pick<DirectoryWrites, 'hold' | 'findByHandle'>,
  organizationId: OrganizationId,
  metadata: KeyRecord['metadata'],
): Promise<KeyRecord['metadata']> {
  if ((metadata['user_id'] ?? '') !== '' && (metadata['service_account_id'] ?? '') !== '')
    throw new Fault('invalid_params', { reason: 'a key belongs to a user or to a service account, not to both' });
  const named: Record<string, string> = { ...metadata };
  for (const kind of nounKinds) {
    const { keyMembers, idPrefix, title } = nouns[kind];
    for (const member of keyMembers) {
      const text = metadata[member] ?? '';
      if (text === '' || (await directory.hold(organizationId, { kind, id: text }))) continue;
      const entry = await directory.findByHandle(organizationId, kind, foldText(text));
      if (entry !== null && (await directory.hold(organizationId, entry))) named[member] = entry.id;
      else if (new RegExp(`^${idPrefix}_[0-9A-Za-z]{20}$`).test(text))
        throw new Fault('invalid_params', { reason: `metadata.${member} names the ${title} ${text}, which there is not` });
    }
  }
  return named;
}
