import type { Paint } from './output.ts';

const stops = ['auth', 'access', 'limit', 'guard', 'server', 'reply'] as const;
const shapes: Readonly<Record<string, string>> = { error: '⬣', timeout: '⬣', blocked: '⊘', waiting: '◔', cancelled: '⊝', unknown: '▲' };

/** How far a call came: a dot for each stop that it passed, a shape where it ended otherwise, a broken line from there on. */
export function railGlyph(status: string, stop: string, paint: Paint): string {
  const shape = shapes[status];
  const last = stops.findIndex((name) => name === stop);
  const painted = (text: string): string =>
    status === 'blocked' ? paint.magenta(text) : status === 'error' || status === 'timeout' ? paint.red(text) : paint.yellow(text);
  return stops
    .map((_, index) => {
      const at = shape === undefined || index < last ? '●' : index === last ? painted(shape) : '○';
      return index === 0 ? at : `${shape === undefined || index <= last ? '─' : '┄'}${at}`;
    })
    .join('');
}
