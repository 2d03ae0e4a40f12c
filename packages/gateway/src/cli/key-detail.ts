import type { z } from 'zod';
import type { answers } from './answers.ts';
import { scopeText } from './key-text.ts';
import { plain, type Output } from './output.ts';
import { countText, moneyText, timeText } from './say.ts';
import { statusText } from './status-glyph.ts';

/** One key as lines. Times are UTC. */
export function keyDetail(key: z.output<typeof answers.key>['key'], out: Output): string {
  const rows: [string, string][] = [
    ['id', plain(key.id)],
    ['name', plain(key.name)],
    ['prefix', plain(key.prefix)],
    ['status', statusText(key.status ?? 'active', out.paint)],
    ['scopes', scopeText(key.scopes)],
    ['created', timeText(key.created_at)],
    ['expires', key.expires_at ? timeText(key.expires_at) : 'never'],
    ['last used', timeText(key.last_used)],
    ['use', key.usage ? `${countText(key.usage.calls, 'call')}, ${moneyText(key.usage.cost)}` : 'not known at the moment'],
    ...Object.entries(key.metadata).map(([name, value]): [string, string] => [plain(name), plain(value)]),
  ];
  if (key.previous_valid_until) rows.push(['old secret', `good until ${timeText(key.previous_valid_until)}`]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${out.paint.dim(name.padEnd(width))}  ${value}`).join('\n');
}
