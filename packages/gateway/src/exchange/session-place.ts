import type { ServerData } from '../snapshot/snapshot.ts';

/** Session ids are visible ASCII (2025-11-25, transports), so a space parts them from what stands before. */
const between = ' ';

/** A server's session id with the target that keeps it, where the server has more than one. */
export function placeSession({ upstream }: ServerData, target: string, sessionId: string): string {
  return upstream !== undefined && upstream.targets.length > 1 ? `${target}${between}${sessionId}` : sessionId;
}

/** The target that keeps the session, or null where it was opened when there was but one. */
export function targetOfSession(placed: string): string | null {
  const at = placed.indexOf(between);
  return at < 0 ? null : placed.slice(0, at);
}

export function idOfSession(placed: string): string {
  return placed.slice(placed.indexOf(between) + 1);
}
