import { bounds } from '../../kernel/bounds.ts';
import type { ScimRefusalRecord } from '../../store/registry/scim-store.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import type { ScimContext } from './scim-context.ts';

type Refused = Pick<ScimRefusalRecord, 'method' | 'resource' | 'resourceId' | 'status' | 'scimType' | 'detail'>;

/** Keeps for administrators what a provider was refused. Faults: `unavailable`. */
export async function recordRefusal({ organizationId, provider, clock, requestId, registry }: ScimContext, refused: Refused): Promise<void> {
  const detail = refused.detail.slice(0, bounds.scimRefusalCharsMax);
  await registry.transaction(({ scim }) =>
    scim.insertRefusal({ ...refused, detail, organizationId, provider, atMs: clock.nowMs(), requestId }, bounds.scimRefusalsKept),
  );
}

/** What a provider was refused, newest first. Faults: `unknown_object`, `unavailable`. */
export async function listRefusals(
  { registry, organizationId }: ControlContext,
  { provider, limit, before }: { readonly provider: string; readonly limit: number; readonly before: number | null },
): Promise<{ readonly refusals: readonly ScimRefusalRecord[]; readonly before: number | null }> {
  const isKnown = (await registry.scim.findConnection(organizationId, provider)) !== null;
  const found = await registry.scim.refusals(organizationId, provider, { before, limit: limit + 1 });
  if (!isKnown && found.length === 0 && before === null) throw unknownObject('scim_connection', provider);
  const refusals = found.slice(0, limit);
  return { refusals, before: found.length > limit ? (refusals.at(-1)?.number ?? null) : null };
}
