import type { OptionValues } from './command.ts';
import { parseDay } from './when.ts';

const filters = {
  team_id: 'team',
  user_id: 'user',
  project_id: 'project',
  agent: 'agent',
  key_id: 'key',
  server: 'server',
  tool: 'tool',
  currency: 'currency',
} as const;

/** The period and the filters that a command of costs was given, as the API asks for them. Faults: `usage`. */
export function costQuery(options: OptionValues, lastDay: string): Record<string, string | undefined> {
  const today = new Date().toISOString().slice(0, 10);
  return {
    start_date: parseDay(options.text('from') ?? `${today.slice(0, 8)}01`, '--from'),
    end_date: parseDay(options.text('to') ?? lastDay, '--to'),
    ...Object.fromEntries(Object.entries(filters).map(([name, option]) => [name, options.text(option)])),
  };
}
