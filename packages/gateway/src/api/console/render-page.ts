import { html, raw } from 'hono/html';

export type Html = ReturnType<typeof html>;

/** The frame of every page: what is put into it is escaped by `html`. */
export function renderPage(title: string, head: Html | string, main: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="stylesheet" href="/console/console.css" />
        <script src="/console/console.js" defer></script>
        ${head}
      </head>
      <body>
        ${main}
      </body>
    </html>`;
}

export const railStops = ['auth', 'access', 'limit', 'guard', 'server', 'reply'] as const;

/** How far a call came: the stops of the rail up to the one that ended it, which is drawn by how it ended. */
export function renderRail(label: string, endedAt: number, ending: 'ok' | 'error' | 'blocked' | 'open'): Html {
  const width = 92;
  const step = (width - 12) / (railStops.length - 1);
  const at = (index: number): string => (6 + index * step).toFixed(1);
  const parts = railStops.map((_, index) => {
    const x = at(index);
    const before = index === 0 ? '' : `<path class="${index <= endedAt ? 'went' : 'not'}" d="M${at(index - 1)} 6H${x}"/>`;
    if (index > endedAt) return `${before}<circle class="stop not" cx="${x}" cy="6" r="2.5"/>`;
    if (index < endedAt || ending === 'ok') return `${before}<circle class="stop went" cx="${x}" cy="6" r="3"/>`;
    return before + mark(Number(x), ending);
  });
  return html`<svg class="rail" viewBox="0 0 ${width} 12" width="${width}" height="12" role="img" aria-label="${label}">${raw(parts.join(''))}</svg>`;
}

/** Shape and colour, never colour alone: an octagon for an error, a barred circle for a block, a ring for what is open. */
function mark(x: number, ending: 'error' | 'blocked' | 'open'): string {
  if (ending === 'error') return `<path class="mark error" d="M${x - 2} 1h4l3 3v4l-3 3h-4l-3-3v-4z"/>`;
  if (ending === 'blocked') return `<circle class="mark blocked" cx="${x}" cy="6" r="4"/><path class="mark blocked" d="M${x - 2.5} 8.5l5-5"/>`;
  return `<circle class="mark open" cx="${x}" cy="6" r="3.5"/>`;
}
