import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';

type Answer = { readonly error: NodeJS.ErrnoException } | { readonly addresses: readonly LookupAddress[] };
type Resolve = (
  hostname: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Names to addresses, by the system's resolver. All that ask for a name at a time share one question: a resolver that hangs takes one
 * of the few threads there are, not all. A name that has no address is not asked for again for some seconds.
 */
export function createLookup(clock: Clock, resolve: Resolve = systemLookup): LookupFunction {
  const failures = new Map<string, { readonly error: NodeJS.ErrnoException; readonly untilMs: number }>();
  const asking = new Map<string, ((answer: Answer) => void)[]>();

  function ask(hostname: string, options: LookupOptions, done: (answer: Answer) => void): void {
    const key = `${hostname} ${options.family ?? 0} ${options.hints ?? 0}`;
    const failure = failures.get(key);
    if (failure) {
      if (clock.monotonicMs() < failure.untilMs) return process.nextTick(done, failure);
      failures.delete(key);
    }
    const others = asking.get(key);
    if (others) return void others.push(done);
    const waiting = [done];
    asking.set(key, waiting);
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      asking.delete(key);
      if (error) remember(key, error);
      for (const each of waiting) each(error ? { error } : { addresses });
    });
  }

  function remember(key: string, error: NodeJS.ErrnoException): void {
    if (failures.size >= bounds.upstreamNamesMissingMax) {
      const oldest = failures.keys().next().value;
      if (oldest !== undefined) failures.delete(oldest);
    }
    failures.set(key, { error, untilMs: clock.monotonicMs() + bounds.upstreamNameMissingMs });
  }

  return (hostname, options, callback) => {
    ask(hostname, options, (answer) => {
      if ('error' in answer) return callback(answer.error, '', 0);
      if (options.all === true) return callback(null, [...answer.addresses]);
      const [first] = answer.addresses;
      if (first) callback(null, first.address, first.family);
      else callback(Object.assign(new Error(`no address of ${hostname}`), { code: 'ENOTFOUND' }), '', 0);
    });
  };
}
