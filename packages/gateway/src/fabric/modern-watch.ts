import { bounds } from '../kernel/bounds.ts';
import { backoffMs } from './legacy-stream.ts';
import { isModernError } from './eras.ts';
import { codeOf, type RpcMessage } from './rpc-message.ts';
import type { Exchange, ReplyStart } from './server-exchange.ts';
import { modernParams, newestModern } from './translate.ts';
import type { WatchGroup, WatchParts, WatchStream } from './watches.ts';

/** How long changes of interest are gathered before the stream is opened anew for them. */
const gatherMs = 10;
const nobody = { principalId: '', capabilities: '{}', info: null, logLevel: null };

interface Wanted {
  readonly lists: readonly string[];
  readonly uris: readonly string[];
}

interface Opened {
  readonly wanted: Wanted;
  exchange: Exchange | null;
}

/** `subscriptions/listen` with all that is of interest to any watcher. A wider interest opens a new stream before the old one is closed. */
export function openModernWatch({ sendExchange, sessions, log }: WatchParts, group: WatchGroup): WatchStream {
  const { server } = group;
  let current: Opened | null = null;
  let next: Opened | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;
  let tries = 0;
  let missed = false;

  function schedule(waitMs: number): void {
    if (timer !== null || closed) return;
    timer = setTimeout(() => {
      timer = null;
      open();
    }, waitMs);
    timer.unref();
  }

  function open(): void {
    const wanted = wantedBy(group);
    if (wanted.uris.length === bounds.fabricWatchUrisMax) log.warn('servers.watched_uris_full', { server: server.data.name, uris: wanted.uris.length });
    if (closed || (current !== null && covers(current.wanted, wanted))) return;
    next?.exchange?.abort();
    const opened: Opened = { wanted, exchange: null };
    next = opened;
    const notifications = {
      ...Object.fromEntries(wanted.lists.map((kind) => [kind, true])),
      ...(wanted.uris.length > 0 && { resourceSubscriptions: wanted.uris }),
    };
    const id = sessions.nextId();
    const params = modernParams(JSON.stringify({ notifications }), nobody, '');
    const headers = ['mcp-protocol-version', newestModern, 'mcp-method', 'subscriptions/listen'];
    const body = `{"jsonrpc":"2.0","id":${id},"method":"subscriptions/listen","params":${params}}`;
    let refused: RpcMessage | null = null;
    opened.exchange = sendExchange(
      server,
      { method: 'POST', headers, body, caller: '', longLived: true },
      {
        message(message) {
          if (message.kind === 'error') refused = message;
          else if (message.kind === 'notification') {
            if (message.method === 'notifications/subscriptions/acknowledged') acknowledged();
            else group.tell(message);
          }
        },
        end: (reply) => lost(reply, refused),
        failed: (_fault, reply) => lost(reply, refused),
      },
    );

    function acknowledged(): void {
      if (next !== opened) return;
      current?.exchange?.abort();
      current = opened;
      next = null;
      tries = 0;
      if (missed) group.tellAll();
      missed = false;
    }

    function lost(reply: ReplyStart | null, error: RpcMessage | null): void {
      if (closed || (next !== opened && current !== opened)) return;
      const status = reply?.status ?? 0;
      if (status >= 400 && status < 500 && !(error && (error.id === id || isModernError(error.body)))) return group.dissolve();
      if (current === opened) current = null;
      else next = null;
      // A server that has no such method says so each time; another one may stand there some day.
      if (error !== null && codeOf(error.body) === -32_601) return schedule(bounds.fabricEraMs);
      missed = true;
      // No mere pause between two streams: until it is back nothing is heard.
      if (tries === 1) group.tellAll();
      schedule(backoffMs(tries++));
    }
  }

  schedule(0);
  return {
    update: () => schedule(gatherMs),
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      next?.exchange?.abort();
      current?.exchange?.abort();
    },
  };
}

function wantedBy(group: WatchGroup): Wanted {
  const lists = new Set<string>();
  const uris = new Set<string>();
  for (const { interest } of group.watchers) {
    for (const kind of ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'] as const) if (interest[kind]) lists.add(kind);
    for (const uri of interest.resourceUris) if (uris.size < bounds.fabricWatchUrisMax) uris.add(uri);
  }
  return { lists: [...lists], uris: [...uris] };
}

function covers(have: Wanted, want: Wanted): boolean {
  return want.lists.every((kind) => have.lists.includes(kind)) && want.uris.every((uri) => have.uris.includes(uri));
}
