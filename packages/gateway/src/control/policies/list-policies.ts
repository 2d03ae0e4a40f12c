import { defaultOrganizationId } from '../../kernel/id.ts';
import type { PolicyData } from '../../kernel/policy.ts';
import type { ControlContext } from '../context.ts';

export interface ListedPolicy {
  readonly data: PolicyData;
  readonly source: 'file' | 'registry';
  /** Where it stands in the file, if it does. */
  readonly line: number | null;
  /** Of a rule of the registry. */
  readonly version: number | null;
  readonly changedAtMs: number | null;
  readonly changedBy: string | null;
  /** Rules of the registry rest where the file has some. */
  readonly isServed: boolean;
}

/** Every rule of the organization, those of the file before those of the registry. Faults: `unavailable`. */
export async function listPolicies({ registry, organizationId, config, objects }: ControlContext): Promise<readonly ListedPolicy[]> {
  const kept = await registry.access.policies(organizationId);
  const ofFile = organizationId === defaultOrganizationId ? config.policies : null;
  const lines = ofFile === null ? null : objects.policyLines();
  return [
    ...(ofFile ?? []).map((data): ListedPolicy => ({
      data,
      source: 'file',
      line: lines?.get(data.name) ?? null,
      version: null,
      changedAtMs: null,
      changedBy: null,
      isServed: true,
    })),
    ...kept.map((record): ListedPolicy => ({ ...record, source: 'registry', line: null, isServed: ofFile === null })),
  ];
}
