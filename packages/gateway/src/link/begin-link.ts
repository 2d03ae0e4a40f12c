import type { Server } from 'node:http';
import { createHttpLink } from './http-link.ts';
import type { LinkCaller } from './link-caller.ts';
import { openLocal } from './local-connection.ts';
import { type OpenLink, type OpenLinks, watchReader } from './open-links.ts';

/** A client's connection in its transport's own way. */
export interface LinkConnection extends Pick<OpenLink, 'ping' | 'end' | 'destroy'> {
  /** False where the client is gone; else `written` is called when the message has left. */
  send(message: string, written: () => void): boolean;
  /** Bytes that the client has not read yet. */
  waitingBytes(): number;
}

export interface BegunLink extends OpenLink {
  /** The connection is closed: what stands behind it goes too. */
  closed(): void;
}

export interface LinkOptions {
  readonly caller: LinkCaller;
  readonly isServed: () => boolean;
  /** The server that serves the endpoints; it need not listen. */
  readonly server: Server;
  readonly links: OpenLinks;
  readonly connection: LinkConnection;
}

/** A client that was admitted is on the rail from here on: what it sends goes to `http.take`, what comes for it to its connection. */
export function beginLink({ caller, isServed, server, links, connection }: LinkOptions): BegunLink {
  const http = createHttpLink({
    open: openLocal(server, caller.peer, caller.path),
    headers: caller.headers,
    where: caller.path,
    reconnectMs: 0,
    deliver(message) {
      if (connection.send(message, () => reader.look())) reader.look();
    },
    onUnauthorized: () => connection.end('unauthorized'),
  });
  const link: BegunLink = {
    caller,
    isServed,
    http,
    ping: () => connection.ping(),
    end: (why) => connection.end(why),
    destroy: () => connection.destroy(),
    closed() {
      links.delete(link);
      reader.stop();
      void http.close();
    },
  };
  const reader = watchReader(link, () => connection.waitingBytes());
  links.add(link);
  return link;
}
