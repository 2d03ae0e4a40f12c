/** The commands of prices one by one; `costs prices` and `costs set-prices` are about the whole list. */
import { priceFields } from '../kernel/price-list.ts';
import type { CommandSpec, OptionSpec } from './command.ts';

const name = { form: 'NAME', about: 'default, SERVER or SERVER/TOOL.' };
const dryRun: OptionSpec = { flags: '--dry-run', about: 'Say whether it could be done, change nothing.' };
const amounts: readonly OptionSpec[] = Object.values(priceFields).map((amount) => ({
  flags: `--${amount.replaceAll('_', '-')} AMOUNT`,
  about: `Price ${amount.replaceAll('_', ' ')}.`,
}));

export const priceCommands: readonly CommandSpec[] = [
  {
    name: ['prices', 'list'],
    summary: 'List prices',
    client: true,
    prints: true,
    load: async () => (await import('./price-entries.ts')).pricesList,
  },
  {
    name: ['prices', 'get'],
    summary: 'Show a price',
    client: true,
    prints: true,
    arguments: [name],
    load: async () => (await import('./price-entries.ts')).pricesGet,
  },
  {
    name: ['prices', 'create'],
    summary: 'Make a price',
    about: 'From now on; calls that were made keep theirs.',
    client: true,
    prints: true,
    arguments: [name],
    options: [...amounts, dryRun],
    examples: ['gateway prices create search/query --per-call 0.002'],
    load: async () => (await import('./price-entries.ts')).pricesCreate,
  },
  {
    name: ['prices', 'update'],
    summary: 'Change a price',
    about: 'What is not named stays; the word none takes an amount away.',
    client: true,
    prints: true,
    arguments: [name],
    options: [...amounts, dryRun],
    load: async () => (await import('./price-entries.ts')).pricesUpdate,
  },
  {
    name: ['prices', 'delete'],
    summary: 'Delete a price',
    client: true,
    prints: true,
    arguments: [name],
    options: [dryRun],
    load: async () => (await import('./price-entries.ts')).pricesDelete,
  },
];
