import type { OrganizationId } from '../../kernel/id.ts';
import { switchedOff } from '../access/switched-off.ts';
import type { ControlDependencies } from '../context.ts';
import { readCaller } from './read-caller.ts';

/** Whether a key, once shown, is still good: neither revoked nor over, and nothing of its caller is switched off. Faults: `unavailable`. */
export async function keyHolds(
  dependencies: Pick<ControlDependencies, 'registry' | 'access' | 'mcpActions' | 'clock' | 'expiryClock'>,
  organizationId: OrganizationId,
  id: string,
): Promise<boolean> {
  const { registry, access, clock, expiryClock } = dependencies;
  const key = await registry.keys.find(organizationId, id);
  if (key === null || key.revokedAtMs !== null || (key.expiresAtMs !== null && key.expiresAtMs <= expiryClock.nowMs())) return false;
  const { lineage } = await readCaller(dependencies, key);
  return switchedOff(access.switches(organizationId), { keyId: key.id, lineage }, clock.nowMs()) === null;
}
