/**
 * A tool is tried with a key, as agents call it: the cookie of the dashboard opens nothing on the way of calls, and a page of another site could make a
 * browser send it. The key is one's own, reaches one server, calls its tools and nothing else, and is over after a quarter of an hour; it stands in the memory of
 * this page alone and is revoked when the page is left.
 */
import { useCallback, useEffect, useRef } from 'react';
import { GatewayOps } from '@gatewayops/sdk';
import { gateway, gatewayUrl } from '../../app/gateway.ts';
import { useSession } from '../../app/session.ts';

const lifeMs = 15 * 60_000;
/** A call may take this long, and its key must not end under it. */
const restMs = 60_000;

export interface OwnKey {
  readonly id: string;
  readonly untilMs: number;
  /** Calls as whoever looks at the page. */
  readonly client: GatewayOps;
}

/** The key for a server, made when it is first asked for; one for as long as the page of the server is open. */
export function useOwnKey(server: string): () => Promise<OwnKey> {
  const { me } = useSession();
  const owner = me.owner;
  const made = useRef<Promise<OwnKey> | null>(null);
  useEffect(
    () => () => {
      // Should it not be told, the key ends by itself.
      void made.current?.then(({ id }) => gateway.keys.revoke(id)).catch(() => undefined);
      made.current = null;
    },
    [],
  );
  return useCallback(async () => {
    const known = await made.current?.catch(() => null);
    if (known !== undefined && known !== null && known.untilMs - Date.now() > restMs) return known;
    made.current = makeKey(server, owner);
    return made.current;
  }, [server, owner]);
}

async function makeKey(server: string, owner: string | null): Promise<OwnKey> {
  const untilMs = Date.now() + lifeMs;
  const { key } = await gateway.keys.create({
    name: `tools of ${server} tried in the dashboard`.slice(0, 100),
    expires_at: new Date(untilMs).toISOString(),
    scopes: { mcp_servers: [server], actions: ['tools.call'] },
    metadata: ownedBy(owner),
  });
  return { id: key.id, untilMs, client: new GatewayOps({ gatewayUrl, apiKey: key.secret, retries: 0 }) };
}

/** As calls are attributed. */
function ownedBy(owner: string | null): Readonly<Record<string, string>> {
  const [kind, id] = owner?.split(/:(.*)/s) ?? [];
  if (id === undefined) return {};
  return kind === 'user' ? { user_id: id } : kind === 'service_account' ? { service_account_id: id } : {};
}
