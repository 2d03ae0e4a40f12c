/**
 * `npm run bench -- dashboard [--quick] [-o json]`: what people wait for in a real browser, at a gateway with a month of calls: the Overview with a profile that
 * has nothing yet, 10,000 rows and a trace of 10,000 calls while they are scrolled, 100 calls a second as they end. Ends by itself: about two minutes.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { BrowserContext } from 'playwright-core';
import { ensureDashboard } from '../../tools/build-dashboard.mjs';
import { startBrowser } from '../support/browser.ts';
import { type Scrolled, scrollThrough, watchFrames, watchProcessors } from '../support/frames.ts';
import { until } from '../support/poll.ts';
import { temporaryFolder } from '../support/start-gateway.ts';
import { startGenerator } from './measure.ts';
import { fillMonth } from './month-of-calls.ts';
import { startGatewayIn, startUpstream } from './targets.ts';

export interface DashboardBench {
  readonly calls: number;
  /** From the navigation of a fresh profile until the page stands and takes what is done with it, milliseconds, each round in order of length. */
  readonly standsMs: readonly number[];
  /** The same, to the last figure of the page. */
  readonly overviewMs: readonly number[];
  readonly scrolled: readonly (Scrolled & { readonly what: string })[];
  readonly live: {
    readonly perSecond: number;
    /** Of one core: the page's process, and that which draws without a graphics card. */
    readonly pagePercent: number;
    readonly drawingPercent: number;
    readonly longestFrameMs: number;
  };
}

const chromium = '/usr/bin/chromium';
const rowsScrolled = 10_000;
const spans = 10_000;
/** Ten rows. */
const turnPx = 320;
const livePerSecond = 100;

export async function runDashboardBench({ quick }: { readonly quick: boolean }, say: (text: string) => void): Promise<DashboardBench> {
  if (!existsSync(chromium)) throw new Error(`needs ${chromium}, which is not installed; install it with: sudo apt-get install chromium`);
  if (!ensureDashboard(process.execPath)) throw new Error('the dashboard could not be built');
  const calls = quick ? 300_000 : 3_000_000;
  const running: { stop(): void | Promise<void> }[] = [];
  try {
    const stateFolder = join(temporaryFolder(), 'state');
    say(`generating ${calls} calls of a month …`);
    const trace = await fillMonth(stateFolder, calls, spans);
    const upstream = await startUpstream();
    running.push(upstream);
    const target = await startGatewayIn(stateFolder, upstream);
    running.push(target);
    const browser = await startBrowser(chromium);
    running.push(browser);
    const { gateway } = target;

    async function owner(): Promise<BrowserContext> {
      const person = await browser.person();
      const { stdout } = await gateway.cli('admin', 'link', '-o', 'json');
      const page = await person.newPage();
      await page.goto((JSON.parse(stdout) as { url: string }).url);
      await page.close();
      // Signing in has loaded the dashboard: what is measured begins without it.
      const cookies = await person.cookies();
      await person.close();
      const fresh = await browser.person();
      await fresh.addCookies(cookies);
      return fresh;
    }

    // After a start the ledger opens: that is not what is measured here.
    await until(async () => (await fetch(`${gateway.url}/v1/metrics`, { headers: { authorization: `Bearer ${gateway.apiKey ?? ''}` } })).ok, {
      what: 'the ledger',
      timeoutMs: 120_000,
    });
    say('the Overview with a fresh profile …');
    const [standsMs, overviewMs]: [number[], number[]] = [[], []];
    for (let round = 0; round < (quick ? 3 : 7); round += 1) {
      const person = await owner();
      const page = await person.newPage();
      const startedAt = performance.now();
      await page.goto(`${gateway.url}/ui/`, { waitUntil: 'commit' });
      await page.getByText('What changed').waitFor();
      standsMs.push(Math.round(performance.now() - startedAt));
      await page.locator('[role=status][aria-label^=Loading]').first().waitFor({ state: 'detached' });
      overviewMs.push(Math.round(performance.now() - startedAt));
      await person.close();
    }

    const person = await owner();
    say(`${rowsScrolled} rows …`);
    const list = await person.newPage();
    await list.goto(`${gateway.url}/ui/traces?range=30d`);
    await list.getByRole('grid').waitFor();
    const scrolled = [{ what: 'the list of traces', ...(await scrollThrough(list, 'row', rowsScrolled, turnPx)) }];
    await list.close();
    say(`a trace of ${spans} calls …`);
    const one = await person.newPage();
    await one.goto(`${gateway.url}/ui/traces/tr_${trace}`);
    await one.getByRole('tree').waitFor();
    // It opens at the call that decided how it ended; from there to its first.
    await one.locator('[role=treeitem][aria-selected=true]').waitFor();
    await one.locator('canvas').click({ position: { x: 300, y: 0 } });
    scrolled.push({ what: 'the trace', ...(await scrollThrough(one, 'treeitem', spans, turnPx)) });
    await one.close();

    say(`${livePerSecond} calls a second, live …`);
    const live = await person.newPage();
    await live.goto(`${gateway.url}/ui/traces?live=1`);
    await live.getByText('Waiting for the next call').waitFor();
    const frames = await watchFrames(live);
    const generator = startGenerator();
    running.push(generator);
    const measureMs = quick ? 6_000 : 15_000;
    const load = generator.measure(target, { connections: 10, perSecond: livePerSecond }, { warmupMs: 2_000, measureMs });
    await pause(2_500);
    const processorSeconds = await watchProcessors(person);
    const before = await processorSeconds();
    const beganAt = performance.now();
    await pause(measureMs - 1_000);
    const after = await processorSeconds();
    const seconds = (performance.now() - beganAt) / 1000;
    const { replies, failures, firstFailure } = await load;
    if (failures > 0) throw new Error(`live calls failed: ${firstFailure}`);
    const percent = (type: string): number => Math.round((((after.get(type) ?? 0) - (before.get(type) ?? 0)) / seconds) * 100);
    return {
      calls,
      standsMs: standsMs.toSorted((a, b) => a - b),
      overviewMs: overviewMs.toSorted((a, b) => a - b),
      scrolled,
      live: {
        perSecond: Math.round((replies / measureMs) * 1000),
        pagePercent: percent('renderer'),
        drawingPercent: percent('GPU'),
        longestFrameMs: (await frames.stop()).longestFrameMs,
      },
    };
  } finally {
    for (const end of running.toReversed()) await end.stop();
  }
}

export function renderDashboardBench({ calls, standsMs, overviewMs, scrolled, live }: DashboardBench): string {
  const median = (times: readonly number[]): number => times[times.length >> 1] ?? 0;
  return [
    `A month of ${calls} calls, a browser without a graphics card.`,
    `Overview, fresh profile: it stands after ${median(standsMs)} ms, with its last figure after ${median(overviewMs)} ms (medians; worst ${standsMs.at(-1) ?? 0} and ${overviewMs.at(-1) ?? 0}).`,
    ...scrolled.map(
      ({ what, rows, frames, framesOver50, longestFrameMs, mostWorkMs }) =>
        `Scrolling ${what} through ${rows} rows: ${frames} frames, ${framesOver50} over 50 ms by the clock, the longest ${longestFrameMs} ms; in none of them did the page take more than ${mostWorkMs} ms of processor time.`,
    ),
    `Live, ${live.perSecond} calls a second: ${live.pagePercent} % of a core in the page, ${live.drawingPercent} % drawing; longest frame ${live.longestFrameMs} ms.`,
  ].join('\n');
}
