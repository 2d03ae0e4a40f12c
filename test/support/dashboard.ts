/** The dashboard as people use it: a real browser at a real gateway, with people who are signed in, and pages that say what they complain of. */
import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { ensureDashboard } from '../../tools/build-dashboard.mjs';
import { startBrowser } from './browser.ts';
import { until } from './poll.ts';
import { post } from './post.ts';
import { expectReadable, layDown, settle, type Theme } from './readable.ts';
import { type GatewayOptions, type RunningGateway, startGateway } from './start-gateway.ts';

/** A page to look at: what its picture is called, its path, and a text of it that is there once it stands. */
export type PageToSee = readonly [name: string, path: string, text: string];

export interface TestDashboard {
  readonly gateway: RunningGateway;
  /** Somebody whom the gateway does not know, in a browser of their own. */
  newPerson(): Promise<BrowserContext>;
  /** An owner, signed in by the link of the node's own machine, in a browser of their own. */
  newOwner(theme?: Theme): Promise<BrowserContext>;
  /** Opens `path` of the gateway; what the page complains of is kept. */
  open(path: string, person: BrowserContext): Promise<Page>;
  /** Every page stands in that theme, complains of nothing and has no serious fault of accessibility; a picture of each is laid down for people to look at. */
  expectPages(pages: readonly PageToSee[], theme: Theme): Promise<void>;
  /** Nothing of what is seen now is hard to read or to reach; a picture of it is laid down. */
  look(page: Page, name: string, theme?: Theme): Promise<void>;
  /** Likewise in both themes, with a picture of each, though a part is still on its way. `part`: a selector of what was not looked at in another state already. */
  lookNow(page: Page, name: string, part: string): Promise<void>;
  /** What pages complained of: errors of scripts, refused resources. */
  readonly complaints: readonly string[];
  /** Adds to them. */
  complain(path: string, text: string): void;
  /** Lays down a picture of what is seen now. */
  picture(page: Page, name: string): Promise<void>;
  stop(): Promise<void>;
}

/** `chromium`: where the browser is. */
export async function startDashboard(chromium: string, options: GatewayOptions): Promise<TestDashboard> {
  expect(ensureDashboard(process.execPath)).toBe(true);
  const [gateway, browser] = await Promise.all([startGateway(options), startBrowser(chromium)]);
  // While the ledger opens, pages ask again and the browser notes each answer that it is not there.
  await until(async () => (await post(`${gateway.url}/v1/metrics`, undefined, { key: gateway.apiKey })).status === 200, {
    what: 'the ledger',
    timeoutMs: 60_000,
  });
  const complaints: string[] = [];

  const complain = (path: string, text: string): void => void complaints.push(`${path}: ${text}`);

  async function open(path: string, person: BrowserContext): Promise<Page> {
    const page = await person.newPage();
    page.on('pageerror', ({ message }) => complain(path, message));
    page.on('console', (message) => {
      if (message.type() === 'error') complain(path, message.text());
    });
    await page.goto(`${gateway.url}${path}`);
    return page;
  }

  async function newOwner(theme: Theme = 'light'): Promise<BrowserContext> {
    const person = await browser.person({ theme });
    const { stdout } = await gateway.cli('admin', 'link', '-o', 'json');
    const page = await person.newPage();
    await page.goto((JSON.parse(stdout) as { url: string }).url);
    await page.close();
    return person;
  }

  async function look(page: Page, name: string, theme: Theme = 'light'): Promise<void> {
    // Until what is loaded has come: no part of it is on its way.
    await page.locator('[role=status][aria-label^=Loading]').first().waitFor({ state: 'detached' });
    await settle(page);
    await layDown(page, name);
    await expectReadable(page, name, theme);
  }

  async function lookNow(page: Page, name: string, part: string): Promise<void> {
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      await settle(page);
      await layDown(page, `${name}-${theme}`);
      await expectReadable(page, `${name}-${theme}`, theme, part);
    }
    await page.emulateMedia({ colorScheme: 'light' });
  }

  return {
    gateway,
    complain,
    complaints,
    look,
    lookNow,
    newOwner,
    newPerson: () => browser.person(),
    open,
    picture: layDown,
    async expectPages(pages, theme) {
      const person = await newOwner(theme);
      const before = complaints.length;
      for (const [name, path, text] of pages) {
        const page = await open(path, person);
        await page.getByText(text).first().waitFor();
        await look(page, `${name}-${theme}`, theme);
        await page.close();
      }
      expect(complaints.slice(before)).toEqual([]);
      await person.close();
    },
    async stop() {
      await browser.stop();
      await gateway.stop();
    },
  };
}
