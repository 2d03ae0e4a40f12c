import { Fault } from '../kernel/fault.ts';

/**
 * What a caller hears who names something that is not there, or that is not theirs to see: the same words for both. The
 * name is the caller's own, shortened.
 */
export function unknownObject(kind: 'body' | 'key' | 'policy' | 'server' | 'switch' | 'trace', name: string): Fault {
  return new Fault('unknown_object', { kind, name: name.slice(0, 100) });
}
