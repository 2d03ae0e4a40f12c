import type { EventEmitter } from 'node:events';

/** What a worker needs of `process`. */
export type ClusterEnd = Pick<EventEmitter, 'on'> & { send?: ((message: object) => boolean) | undefined };

/**
 * The supervisor holds the socket that workers listen on (node:cluster), so that connections wait for a worker that is replaced. In a drain it must let
 * go of it before they do: a connection made between the two would wait for nobody and be cut with what was sent on it. node:cluster
 * itself has it only let go behind them, so its own message for that is sent ahead (lib/internal/cluster/child.js, `act: 'close'`). Should Node
 * speak otherwise one day, the message means nothing, and the door is closed as it always was; the test of a rolling restart would show.
 *
 * To be called before the worker listens. The returned function sends the message; what is asked of the supervisor afterwards is answered
 * when it has let go.
 */
export function watchSharedDoor(end: ClusterEnd): () => void {
  const keys = new Set<string>();
  end.on('internalMessage', (message: unknown) => {
    const { cmd, ack, key } = message as { cmd?: unknown; ack?: unknown; key?: unknown };
    if (cmd === 'NODE_CLUSTER' && ack !== undefined && typeof key === 'string') keys.add(key);
  });
  return () => {
    for (const key of keys) end.send?.({ cmd: 'NODE_CLUSTER', act: 'close', key });
    keys.clear();
  };
}
