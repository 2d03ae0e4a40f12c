import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../../test/support/control.ts';
import { ensureDashboard } from '../../../../../tools/build-dashboard.mjs';
import { createAdminLink } from '../../control/sessions/create-admin-link.ts';
import { readDashboard } from './dashboard-files.ts';

let control: TestControl;
let cookie: string;
beforeAll(async () => {
  expect(ensureDashboard(process.execPath)).toBe(true);
  control = await startControl();
  const { url } = await createAdminLink(control.context());
  const opened = await control.app.request(new URL(url).pathname, {}, { front: 'public' });
  cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? '';
});
afterAll(() => control.end());

const ask = async (path: string, headers: Record<string, string> = {}): Promise<Response> => control.app.request(path, { headers }, { front: 'public' });
const browser = { accept: 'text/html,application/xhtml+xml' };

describe('the dashboard', () => {
  test('is the same page at every path below it, and says where it stands', async () => {
    for (const path of ['/ui/', '/ui/traces', '/ui/traces/tr_0123', '/ui/x/y?range=1h']) {
      const answer = await ask(path, { ...browser, cookie });
      expect([path, answer.status]).toEqual([path, 200]);
      expect(await answer.text()).toContain('<base href="/ui/" />');
    }
  });

  test('may load nothing but its own files, run no script that stands in the page, and be framed by nobody', async () => {
    const answer = await ask('/ui/', { ...browser, cookie });
    const policy = answer.headers.get('content-security-policy') ?? '';
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"])
      expect(policy).toContain(part);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const page = await answer.text();
    expect(page).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|https?:\/\//);
  });

  test('who has not signed in sees how to, and is not shown a page that would ask and fail', async () => {
    const answer = await ask('/ui/traces', browser);
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain('Sign in with a one-time link');
    // A strict cookie is withheld after a click on another site: the page reloads itself from here.
    expect(await (await ask('/ui/traces', { ...browser, 'sec-fetch-site': 'cross-site' })).text()).toContain('0;url=/ui/traces');
  });

  test('hashed files are kept for ever and come compressed as the browser can read them', async () => {
    const page = await (await ask('/ui/', { ...browser, cookie })).text();
    const [script = ''] = /assets\/[\w-]+\.js/.exec(page) ?? [];
    const plain = await ask(`/ui/${script}`);
    expect(plain.headers.get('cache-control')).toContain('immutable');
    expect(plain.headers.get('content-type')).toContain('text/javascript');
    const text = Buffer.from(await plain.arrayBuffer());
    for (const [encoding, decode] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      const packed = await ask(`/ui/${script}`, { 'accept-encoding': `${encoding}, deflate` });
      expect(packed.headers.get('content-encoding')).toBe(encoding);
      expect(packed.headers.get('vary')).toBe('Accept-Encoding');
      expect(decode(Buffer.from(await packed.arrayBuffer())).equals(text)).toBe(true);
    }
  });

  test('the licences of all that is built into it are a file of it', async () => {
    const answer = await ask('/ui/third-party.md', { accept: '*/*' });
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const text = await answer.text();
    const built = JSON.parse(readFileSync(join(import.meta.dirname, '../../../../dashboard/package.json'), 'utf8')) as { devDependencies: object };
    const parts = Object.keys(built.devDependencies).filter((name) => !/^(?:@types\/|vite$|@vitejs\/|@tailwindcss\/)/.test(name));
    expect(parts.length).toBeGreaterThan(10);
    for (const name of parts) expect(text).toMatch(new RegExp(`^## ${name} - \\S+ \\((?:MIT|ISC|OFL-1\\.1)\\)$`, 'm'));
  });

  test('what is no file of it and no page is not found, also where it looks like a way out', async () => {
    for (const [path, headers] of [
      ['/ui/assets/none.js', { ...browser, cookie }],
      ['/ui/traces', { accept: 'application/json' }],
      ['/ui/..%2f..%2fpackage.json', { accept: '*/*' }],
      ['/ui/%2e%2e/source.txt', { accept: '*/*' }],
      ['/ui/manifest.json', { accept: '*/*' }],
    ] as const)
      expect([path, (await ask(path, headers)).status]).toEqual([path, 404]);
  });

  test('the address that stands in the page is text, whatever it is', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gwo-ui-'));
    try {
      mkdirSync(join(folder, 'assets'));
      writeFileSync(join(folder, 'index.html'), '<base href="/ui/" /><p>$& $1</p>');
      expect(readDashboard(folder)?.page('/a"><script>&/ui/')).toBe('<base href="/a&quot;>&lt;script>&amp;/ui/" /><p>$& $1</p>');
      expect(readDashboard(join(folder, 'none'))).toBeNull();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('the first page weighs what a slow line can carry', async () => {
    const page = await (await ask('/ui/', { ...browser, cookie })).text();
    const weigh = async (path: string): Promise<number> => (await (await ask(`/ui/${path}`, { 'accept-encoding': 'gzip' })).arrayBuffer()).byteLength;
    const scripts = [...page.matchAll(/assets\/[\w-]+\.js/g)].map(([path]) => path);
    const styles = [...page.matchAll(/assets\/[\w-]+\.css/g)].map(([path]) => path);
    expect(scripts.length).toBeGreaterThan(0);
    expect((await Promise.all(scripts.map(weigh))).reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(200_000);
    expect((await Promise.all(styles.map(weigh))).reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(20_000);
    const css = await (await ask(`/ui/${styles[0] ?? ''}`)).text();
    const fonts = [...css.matchAll(/url\(\.?\/?([\w-]+\.woff2)\)/g)].map(([, path]) => `assets/${path ?? ''}`);
    expect(fonts).toHaveLength(2);
    expect((await Promise.all(fonts.map(weigh))).reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(60_000);
  });
});
