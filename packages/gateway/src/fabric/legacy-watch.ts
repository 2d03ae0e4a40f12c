import { bounds } from '../kernel/bounds.ts';
import type { ClientFace } from './dialogue.ts';
import { backoffMs } from './legacy-stream.ts';
import { OtherEra, type LegacySession, type SessionListener } from './legacy-sessions.ts';
import { isMembers } from './rpc-message.ts';
import type { WatchGroup, WatchParts, WatchStream } from './watches.ts';

/** The GET stream of the face's session, and a `resources/subscribe` for each URI that is of interest. A lost session is begun anew. */
export function openLegacyWatch({ sessions }: WatchParts, group: WatchGroup, face: ClientFace): WatchStream {
  let session: LegacySession | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;
  let tries = 0;
  let missed = false;
  const subscribed = new Set<string>();

  const listener: SessionListener = {
    changed: (message) => group.tell(message),
    takes: () => false,
    interrupted(isLost) {
      if (closed) return;
      if (!isLost) return group.tellAll();
      session = null;
      missed = true;
      schedule(backoffMs(0));
    },
  };

  function schedule(waitMs: number): void {
    if (timer !== null || closed) return;
    timer = setTimeout(() => {
      timer = null;
      void open();
    }, waitMs);
    timer.unref();
  }

  async function open(): Promise<void> {
    try {
      const opened = await sessions.open(group.server, face);
      if (closed) return;
      session = opened;
      subscribed.clear();
      sessions.join(opened, listener);
      void sessions.listen(opened, true);
      tries = 0;
      if (missed) group.tellAll();
      missed = false;
      subscribe();
    } catch (thrown) {
      if (closed) return;
      if (thrown instanceof OtherEra) return group.dissolve();
      missed = true;
      schedule(backoffMs(tries++));
    }
  }

  function subscribe(): void {
    const resources = session?.capabilities['resources'];
    if (session === null || !isMembers(resources) || resources['subscribe'] !== true) return;
    const wanted = new Set<string>();
    for (const { interest } of group.watchers) for (const uri of interest.resourceUris) if (wanted.size < bounds.fabricWatchUrisMax) wanted.add(uri);
    for (const uri of wanted) if (!subscribed.has(uri)) tell(session, 'resources/subscribe', uri);
    for (const uri of subscribed) if (!wanted.has(uri)) tell(session, 'resources/unsubscribe', uri);
  }

  function tell(to: LegacySession, method: 'resources/subscribe' | 'resources/unsubscribe', uri: string): void {
    if (method === 'resources/subscribe') subscribed.add(uri);
    else subscribed.delete(uri);
    const body = `{"jsonrpc":"2.0","id":${sessions.nextId()},"method":"${method}","params":${JSON.stringify({ uri })}}`;
    // One that the server does not take is tried again when the interest changes.
    sessions.post(to, body).catch(() => subscribed.delete(uri));
  }

  schedule(0);
  return {
    update: subscribe,
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      if (session === null) return;
      for (const uri of subscribed) tell(session, 'resources/unsubscribe', uri);
      sessions.leave(session, listener);
    },
  };
}
