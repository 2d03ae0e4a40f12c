/** Which sessions a holder has: one value of shared state, changed by comparing, so that of those who change it at once none is lost. */
import { z } from 'zod';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { OrganizationId } from '../../kernel/id.ts';
import type { ControlDependencies } from '../context.ts';
import { holderKey, sessionMaxMs } from './session.ts';

const placesSchema = z.array(z.object({ id: z.string(), key: z.string() }));
export type ListedPlace = z.infer<typeof placesSchema>[number];

type State = Pick<ControlDependencies['state'], 'get' | 'replace'>;

/** So many change one list at a time and no more. */
const triesMax = 20;

/** Oldest first; also of sessions that are over. Faults: `unavailable`. */
export async function listPlaces(state: State, organizationId: OrganizationId, holder: string): Promise<readonly ListedPlace[]> {
  return read(await state.get(holderKey(organizationId, holder)));
}

/** Adds one; those for which there is no room any more are given back, to be ended. Faults: `unavailable`. */
export async function addPlace(state: State, organizationId: OrganizationId, holder: string, place: ListedPlace): Promise<readonly ListedPlace[]> {
  const before = await change(state, organizationId, holder, (places) => [...places, place].slice(-bounds.sessionsPerHolderMax));
  return before.slice(0, Math.max(0, before.length + 1 - bounds.sessionsPerHolderMax));
}

/** Faults: `unavailable`. */
export async function removePlaces(state: State, organizationId: OrganizationId, holder: string, ids: ReadonlySet<string>): Promise<void> {
  await change(state, organizationId, holder, (places) => places.filter(({ id }) => !ids.has(id)));
}

/** Resolves with what was there before. */
async function change(
  state: State,
  organizationId: OrganizationId,
  holder: string,
  change: (places: readonly ListedPlace[]) => readonly ListedPlace[],
): Promise<readonly ListedPlace[]> {
  const key = holderKey(organizationId, holder);
  for (let tries = 0; tries < triesMax; tries++) {
    const stored = await state.get(key);
    const before = read(stored);
    const after = change(before);
    if (await state.replace(key, stored, Buffer.from(JSON.stringify(after)), sessionMaxMs)) return before;
  }
  throw new Fault('unavailable', { reason: 'too many sign in at once' });
}

function read(stored: Buffer | null): readonly ListedPlace[] {
  return stored === null ? [] : placesSchema.parse(JSON.parse(stored.toString()));
}
