import { readFileSync, readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';

/** Where the build of packages/dashboard lies: in the gateway's own package. */
export const dashboardFolder = join(import.meta.dirname, '..', '..', '..', 'ui');

export interface DashboardFile {
  readonly type: string;
  /** Its name changes with its content: it may be kept for ever. */
  readonly isHashed: boolean;
  readonly plain: Buffer<ArrayBuffer>;
  readonly brotli: Buffer<ArrayBuffer> | null;
  readonly gzip: Buffer<ArrayBuffer> | null;
}

export interface DashboardFiles {
  /** The page, with the address that everything in it is relative to. */
  page(base: string): string;
  /** By its path below `/ui/`. */
  get(path: string): DashboardFile | null;
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  // Browsers show it as it is.
  '.md': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};

/** The built dashboard in memory, under two megabytes; null where it was not built. */
export function readDashboard(folder: string): DashboardFiles | null {
  let page: string;
  try {
    page = readFileSync(join(folder, 'index.html'), 'utf8');
  } catch {
    return null;
  }
  const [before, after] = page.split(/<base href="[^"]*" \/>/);
  if (before === undefined || after === undefined) throw new Error(`${join(folder, 'index.html')} has no <base>: build it again`);
  const files = new Map<string, DashboardFile>();
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const type = types[extname(path)];
    if (type === undefined || !statSync(join(folder, path)).isFile()) continue;
    files.set(path.replaceAll('\\', '/'), {
      type,
      isHashed: path.startsWith('assets'),
      plain: readFileSync(join(folder, path)),
      brotli: readOptional(join(folder, `${path}.br`)),
      gzip: readOptional(join(folder, `${path}.gz`)),
    });
  }
  return {
    page: (base) => `${before}<base href="${base.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')}" />${after}`,
    get: (path) => files.get(path) ?? null,
  };
}

function readOptional(path: string): Buffer<ArrayBuffer> | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}
