/** Sessions of the protocol up to 2025-11-25, in memory: one transport with its event store each, a bounded number of them. */
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import type { EventStore, JSONRPCMessage, McpServer } from '@modelcontextprotocol/server';
import { randomUUID } from 'node:crypto';

export interface Sessions {
  find(id: string): NodeStreamableHTTPServerTransport | undefined;
  /** For a request `initialize`: the session gets its id when the transport handles it. */
  open(): Promise<NodeStreamableHTTPServerTransport>;
  closeAll(): Promise<void>;
}

const sessionsMax = 2_000;
const eventsMax = 1_000;
/** What clients are told to wait before they come back (SEP-1699); the suite checks that they are told, not how long. */
const retryMs = 500;

export function createSessions(buildServer: () => McpServer): Sessions {
  const open = new Map<string, NodeStreamableHTTPServerTransport>();

  return {
    find: (id) => open.get(id),
    async open() {
      const transport = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        eventStore: createEventStore(),
        retryInterval: retryMs,
        onsessioninitialized(id) {
          open.set(id, transport);
          const [oldest] = open;
          if (open.size > sessionsMax && oldest) void oldest[1].close();
        },
      });
      const server = buildServer();
      await server.connect(transport);
      const closed = transport.onclose;
      transport.onclose = () => {
        if (transport.sessionId !== undefined) open.delete(transport.sessionId);
        closed?.();
      };
      return transport;
    },
    async closeAll() {
      await Promise.all([...open.values()].map((transport) => transport.close()));
    },
  };
}

/** The last events of one session, so that a client can ask for what it missed (`Last-Event-ID`). */
function createEventStore(): EventStore {
  const events: { id: string; streamId: string; message: JSONRPCMessage }[] = [];
  let count = 0;

  return {
    storeEvent(streamId, message) {
      count += 1;
      const id = `${count}:${streamId}`;
      events.push({ id, streamId, message });
      if (events.length > eventsMax) events.shift();
      return Promise.resolve(id);
    },
    getStreamIdForEventId: (id) => Promise.resolve(id.slice(id.indexOf(':') + 1)),
    async replayEventsAfter(lastId, { send }) {
      const streamId = lastId.slice(lastId.indexOf(':') + 1);
      const last = Number(lastId.slice(0, lastId.indexOf(':')));
      for (const event of events) {
        // The first event of a stream carries no message, only its id.
        if (event.streamId === streamId && Number(event.id.slice(0, event.id.indexOf(':'))) > last && Object.keys(event.message).length > 0) {
          await send(event.id, event.message);
        }
      }
      return streamId;
    },
  };
}
