import { gateway } from '../../app/gateway.ts';
import type { Seen } from '../../ui/changed-meanwhile.tsx';
import { whoText } from '../../ui/who.tsx';
import { writtenOf, type PolicyChange } from './policy-text.ts';

/** A rule as it is now, for whoever writes another of it. */
export async function readPolicy(name: string): Promise<Seen<PolicyChange>> {
  const { policy } = await gateway.policies.get(name);
  return { version: policy.version ?? 0, fields: writtenOf(policy), by: policy.changed_by && whoText(policy.changed_by, policy.changed_by_name) };
}
