import type { NounKind } from '../kernel/directory.ts';
import type { ObjectKind } from '../kernel/config-object.ts';
import { Fault } from '../kernel/fault.ts';

/**
 * What a caller hears who names something that is not there, or that is not theirs to see: the same words for both. The
 * name is the caller's own, shortened.
 */
export function unknownObject(
  kind:
    | 'body'
    | 'grant'
    | 'identity'
    | 'invitation'
    | 'key'
    | 'organization'
    | 'policy'
    | 'price'
    | 'provider'
    | 'scim_connection'
    | 'server'
    | 'session'
    | 'switch'
    | 'trace'
    | 'try'
    | 'view'
    | NounKind
    | ObjectKind,
  name: string,
): Fault {
  // As commands have it: service-account.
  const noun = kind.replaceAll('_', '-');
  return new Fault('unknown_object', { kind: noun, name: name.slice(0, 100), list: lists[kind] ?? `${noun}s list` });
}

/** The commands that list what is there, where they are not called as the thing is. */
const lists: Readonly<Record<string, string>> = {
  body: 'traces list',
  identity: 'identity links',
  policy: 'policies list',
  provider: 'identity list',
  retention: 'retention list',
  scim_connection: 'scim list',
  switch: 'switches list',
  try: 'identity list',
};
