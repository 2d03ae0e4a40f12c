import { ScimRefusal } from './scim-refusal.ts';

/** Refusals: 412 where it has been changed since it was read. */
export function requireVersion({ version }: { readonly version: number }, expected: number | null): void {
  if (expected !== null && expected !== version) throw new ScimRefusal(412, null, 'it was changed since it was read: read it again');
}
