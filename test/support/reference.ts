/** The dual-era reference server in the test's own process, on a port of its own. Stop it when the test is over. */
import { type ReferenceServer, startReferenceServer } from '../conformance/reference-server.ts';

export function startReference(): Promise<ReferenceServer> {
  return startReferenceServer(0);
}
