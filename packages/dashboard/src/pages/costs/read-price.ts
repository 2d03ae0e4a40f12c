import { gateway } from '../../app/gateway.ts';
import type { Seen } from '../../ui/changed-meanwhile.tsx';
import type { Amounts } from './price-text.ts';

/** A price as it is now, for whoever writes another of it. Its version is that of the whole list. */
export async function readPrice(name: string): Promise<Seen<Amounts>> {
  const { price } = await gateway.prices.get(name);
  return { version: price.version, fields: price.spec };
}
