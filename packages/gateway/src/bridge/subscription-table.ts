import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';

/** Which of several holders has subscribed to which URI, where the server knows only one subscriber. */
export interface SubscriptionTable<Holder> {
  /** True where the server must be told: the URI has its first holder. Faults: `invalid_request` past the bound. */
  add(holder: Holder, uri: string): boolean;
  /** True where the server must be told: nobody holds the URI any more. */
  remove(holder: Holder, uri: string): boolean;
  holders(uri: string): Iterable<Holder>;
  /** The holder is gone: the URIs that nobody holds any more. */
  leave(holder: Holder): string[];
  clear(): void;
}

export function subscriptionTable<Holder>(): SubscriptionTable<Holder> {
  const byUri = new Map<string, Set<Holder>>();

  function remove(holder: Holder, uri: string): boolean {
    const holders = byUri.get(uri);
    holders?.delete(holder);
    if (holders === undefined || holders.size > 0) return holders === undefined;
    byUri.delete(uri);
    return true;
  }

  return {
    add(holder, uri) {
      const holders = byUri.get(uri);
      if (holders !== undefined) {
        holders.add(holder);
        return false;
      }
      if (byUri.size >= bounds.bridgeSubscriptionsMax)
        throw new Fault('invalid_request', { reason: `more than ${bounds.bridgeSubscriptionsMax} resources are subscribed to` });
      byUri.set(uri, new Set([holder]));
      return true;
    },
    remove,
    holders: (uri) => byUri.get(uri) ?? [],
    leave(holder) {
      return [...byUri.keys()].filter((uri) => byUri.get(uri)?.has(holder) === true && remove(holder, uri));
    },
    clear() {
      byUri.clear();
    },
  };
}
