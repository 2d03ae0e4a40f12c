/**
 * How long the frames of a page take. By the clock, as the Long Animation Frames API counts them, there is in it whatever else wants the same processors; the processor time of
 * the page's main thread is what the page itself asks for.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Page } from 'playwright-core';

export interface Frames {
  readonly frames: number;
  /** By the clock. */
  readonly framesOver50: number;
  /** Milliseconds by the clock, 0 where none took 50. */
  readonly longestFrameMs: number;
}

export async function watchFrames(page: Page): Promise<{ stop(): Promise<Frames> }> {
  await page.evaluate(`{
    const seen = { frames: 0, long: [], on: true };
    window.__frames = seen;
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) seen.long.push(entry.duration); }).observe({ type: 'long-animation-frame' });
    const next = () => { seen.frames += 1; if (seen.on) requestAnimationFrame(next); };
    requestAnimationFrame(next);
  }`);
  return {
    async stop() {
      const { frames, long } = await page.evaluate<{ frames: number; long: number[] }>('(window.__frames.on = false, window.__frames)');
      return { frames, framesOver50: long.length, longestFrameMs: Math.round(Math.max(0, ...long)) };
    },
  };
}

export interface Scrolled extends Frames {
  /** The last row that came into the document, from 1. */
  readonly rows: number;
  /**
   * Milliseconds of processor time of the main thread in the turn of the wheel that took the most: scripts, style, layout, painting, what is collected in between. No frame
   * took more, for a turn has at least one.
   */
  readonly mostWorkMs: number;
  /** The same, of a frame on average. */
  readonly meanWorkMs: number;
}

/** Wheels down until that many rows have passed, `turnPx` a turn. It begins when the page has come to rest: what loading it takes is another figure. */
export async function scrollThrough(page: Page, role: 'row' | 'treeitem', rows: number, turnPx: number): Promise<Scrolled> {
  await page.waitForLoadState('networkidle');
  await pause(500);
  const size = page.viewportSize() ?? { width: 1000, height: 700 };
  await page.mouse.move(size.width / 2, size.height / 2);
  const work = await workOf(page);
  const watch = await watchFrames(page);
  const lastRow = `Math.max(...[...document.querySelectorAll('[role=${role}][style]')].map((row) => Math.round(Number.parseFloat(row.style.top) / row.offsetHeight)))`;
  let [last, mostWorkMs, allWorkMs] = [0, 0, 0];
  for (let turn = 0; turn < 4_000 && last < rows; turn += 1) {
    await page.mouse.wheel(0, turnPx);
    await pause(16);
    const workMs = await work();
    mostWorkMs = Math.max(mostWorkMs, workMs);
    allWorkMs += workMs;
    if (turn % 10 === 0) {
      last = 1 + (await page.evaluate<number>(lastRow));
      await work();
    }
  }
  const seen = await watch.stop();
  return { rows: last, mostWorkMs: Math.round(mostWorkMs), meanWorkMs: Math.round(allWorkMs / seen.frames), ...seen };
}

/** Milliseconds of processor time that the main thread has taken since it was asked before. */
async function workOf(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  let before = 0;
  async function work(): Promise<number> {
    const { metrics } = await session.send('Performance.getMetrics');
    const now = metrics.find(({ name }) => name === 'TaskDuration')?.value;
    if (now === undefined) throw new Error('the browser does not say how long its tasks took');
    const sinceMs = (now - before) * 1000;
    before = now;
    return sinceMs;
  }
  await work();
  return work;
}
