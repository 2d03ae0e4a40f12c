/** What is seen can be read: by people who look at a picture of it, and by axe for those who read otherwise. */
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { until } from './poll.ts';

export type Theme = 'light' | 'dark';

/** Lays down a picture of what is seen now. */
export async function layDown(page: Page, name: string): Promise<void> {
  const pictures = join(tmpdir(), 'gatewayops-pictures');
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** Until what is on its way into sight is there, paler than it will be before; only what waits moves on and on. */
export async function settle(page: Page): Promise<void> {
  const moving = "document.getAnimations().filter((one) => one.playState === 'running' && one.effect.getComputedTiming().endTime !== Infinity).length";
  await until(async () => (await page.evaluate<number>(moving)) === 0, { what: 'the end of what moves' });
}

/** No serious fault by axe. What a page is made of is the same in both themes: in the second only its colours are looked at. */
export async function expectReadable(page: Page, name: string, theme: Theme, part = 'html'): Promise<void> {
  if (!(await page.evaluate<boolean>("typeof axe === 'object'"))) await page.evaluate(axe.source);
  const options: axe.RunOptions = { resultTypes: ['violations'], ...(theme === 'light' ? {} : { runOnly: ['color-contrast'] }) };
  const serious = await page.evaluate<[rule: string, places: string[]][]>(
    `axe.run(${JSON.stringify(part)}, ${JSON.stringify(options)}).then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))]))`,
  );
  expect([name, serious]).toEqual([name, []]);
}

/** A page that is no part of the dashboard, in both themes and at 320 pixels, with a picture of each. */
export async function expectPageReadable(page: Page, name: string): Promise<void> {
  const { width, height } = page.viewportSize() ?? { width: 1024, height: 720 };
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await layDown(page, `${name}-${theme}`);
    await expectReadable(page, name, theme);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 320, height: 640 });
  expect([name, await page.evaluate<number>('document.documentElement.scrollWidth')]).toEqual([name, 320]);
  await layDown(page, `${name}-320`);
  await page.setViewportSize({ width, height });
}
