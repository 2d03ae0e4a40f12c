import { html, raw } from 'hono/html';

export type Html = ReturnType<typeof html>;

/** How a page is loaded: what stands before its paths, and whether it has the script that adds comfort. */
export interface PageFrame {
  readonly base: string;
  readonly script: boolean;
}

/** The frame of every page: what is put into it is escaped by `html`. */
export function renderPage(title: string, head: Html | string, main: Html, { base, script }: PageFrame = { base: '', script: true }): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="${base}/console/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="${base}/console/console.css" />
        ${script ? html`<script src="${base}/console/console.js" defer></script>` : ''} ${head}
      </head>
      <body>
        ${main}
      </body>
    </html>`;
}

/** auth, access, limit, guard, server, reply: the stops of every call. */
const railStops = 6;

/** The rail, whole or blocked at its first stop: a barred circle, so that it is seen without colour. */
export function renderRail(label: string, ending: 'whole' | 'blocked'): Html {
  const width = 92;
  const at = (index: number): number => 6 + (index * (width - 12)) / (railStops - 1);
  const parts = Array.from({ length: railStops }, (_, index) => {
    const way = ending === 'whole' ? 'went' : 'not';
    const before = index === 0 ? '' : `<path class="${way}" d="M${at(index - 1)} 6H${at(index)}"/>`;
    if (ending === 'blocked' && index === 0) return `<circle class="blocked" cx="${at(0)}" cy="6" r="4"/><path class="blocked" d="M${at(0) - 2.5} 8.5l5-5"/>`;
    return `${before}<circle class="stop ${way}" cx="${at(index)}" cy="6" r="3"/>`;
  });
  return html`<svg class="rail" viewBox="0 0 ${width} 12" width="${width}" height="12" role="img" aria-label="${label}">${raw(parts.join(''))}</svg>`;
}
