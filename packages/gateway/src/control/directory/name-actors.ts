import { Fault } from '../../kernel/fault.ts';
import type { ControlContext } from '../context.ts';

/**
 * What those are called now whose ids stand where it is written down who acted: keys, users, service accounts and agents of the organization. Who has
 * been erased or deleted has no name, nor has what the gateway does by itself; none is known while the registry does not answer, for ids say who it was too.
 */
export async function nameActors(
  { registry, organizationId }: Pick<ControlContext, 'registry' | 'organizationId'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const wanted = [...new Set(ids)].filter((id) => id !== '' && !nameless.has(id));
  if (wanted.length === 0) return new Map();
  try {
    return await registry.directory.actorNames(organizationId, wanted);
  } catch (error) {
    if (error instanceof Fault && error.code === 'unavailable') return new Map();
    throw error;
  }
}

const nameless = new Set(['operator', 'system']);
