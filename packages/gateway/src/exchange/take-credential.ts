import type { Principal } from '../authenticate/authenticate.ts';
import { Fault } from '../kernel/fault.ts';
import { isGoodAt, takesCredential } from '../kernel/route-auth.ts';
import type { PlacedEndpoint, Server } from '../snapshot/compile-snapshot.ts';

/** Whether the place, or a server behind it, takes what the caller signed in with: a key does not open what is for tokens alone. */
export function takesCaller(place: Pick<Server | PlacedEndpoint, 'data'>, { data }: Pick<Principal, 'data'>): boolean {
  return takesCredential(place.data, data);
}

/** As the address that was called. Faults: `unauthorized`. Asked behind all else, so that nobody learns of places out of their reach. */
export function requireTaken(place: Pick<Server | PlacedEndpoint, 'data'>, principal: Pick<Principal, 'data'>): void {
  if (!takesCaller(place, principal) || !isGoodAt(place.data.path, principal.data)) throw new Fault('unauthorized');
}
