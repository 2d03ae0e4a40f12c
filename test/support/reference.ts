/** The reference server, of both eras or one, in the test's own process, on a port of its own. Stop it when the test is over. */
import { type ReferenceEra, type ReferenceServer, startReferenceServer } from '../conformance/reference-server.ts';

export function startReference(era: ReferenceEra = 'dual'): Promise<ReferenceServer> {
  return startReferenceServer(0, era);
}
