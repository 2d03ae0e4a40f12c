/**
 * How long the frames of a page take. By the clock there is in it whatever else wants the same processors; the processor time of the page's main thread is what the page
 * itself asks for: scripts, style, layout, painting, garbage that is collected in between.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { BrowserContext, Page } from 'playwright-core';

export interface Frames {
  readonly frames: number;
  /** By the clock, from the first task of a frame until it is drawn. */
  readonly framesOver50: number;
  /** Milliseconds by the clock. */
  readonly longestFrameMs: number;
  /** Milliseconds of processor time of the main thread, in the frame that took the most of it. */
  readonly mostWorkMs: number;
  /** The same, of a frame on average. */
  readonly meanWorkMs: number;
  /** Frames in which it was more than 50 ms. */
  readonly workOver50: number;
}

/** What Chromium writes down of itself (the Trace Event Format): times in microseconds; `dur` by the clock, `tdur` by that of the thread. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
}

/** No other page of the browser is watched at the same time. */
export async function watchFrames(page: Page): Promise<{ stop(): Promise<Frames> }> {
  const browser = page.context().browser();
  if (browser === null) throw new Error('the page is of no browser that can be watched');
  const session = await browser.newBrowserCDPSession();
  const seen: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => {
    for (const event of value as unknown as readonly TraceEvent[]) if (/^AnimationFrame$|::RunTask$/.test(event.name)) seen.push(event);
  });
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', 'devtools.timeline'] } });
  return {
    async stop() {
      const whole = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
      await session.send('Tracing.end');
      await whole;
      await session.detach();
      return framesIn(seen);
    },
  };
}

function framesIn(seen: readonly TraceEvent[]): Frames {
  const found: { readonly ms: number; readonly workMs: number }[] = [];
  for (const events of Map.groupBy(seen, ({ pid, tid }) => `${pid} ${tid}`).values()) {
    const inOrder = events.toSorted((a, b) => a.ts - b.ts);
    let from: number | null = null;
    let workMs = 0;
    let task = { endsAt: 0, workMs: 0 };
    for (const { name, ph, ts, dur = 0, tdur = 0 } of inOrder) {
      if (name !== 'AnimationFrame') {
        task = { endsAt: ts + dur, workMs: tdur / 1000 };
        workMs += task.workMs;
      } else if (ph === 'b') {
        // The task with which it begins is written down a moment before it.
        [from, workMs] = [ts, task.endsAt > ts ? task.workMs : 0];
      } else if (ph === 'e' && from !== null) {
        found.push({ ms: (ts - from) / 1000, workMs });
        from = null;
      }
    }
  }
  return {
    frames: found.length,
    framesOver50: found.filter(({ ms }) => ms > 50).length,
    longestFrameMs: Math.round(Math.max(0, ...found.map(({ ms }) => ms))),
    mostWorkMs: Math.round(Math.max(0, ...found.map(({ workMs }) => workMs))),
    workOver50: found.filter(({ workMs }) => workMs > 50).length,
    meanWorkMs: Math.round(found.reduce((sum, { workMs }) => sum + workMs, 0) / found.length),
  };
}

export interface Scrolled extends Frames {
  /** The last row that came into the document, from 1. */
  readonly rows: number;
}

/** Wheels down until that many rows have passed, `turnPx` a turn. It begins when the page has come to rest: what loading it takes is another figure. */
export async function scrollThrough(page: Page, role: 'row' | 'treeitem', rows: number, turnPx: number): Promise<Scrolled> {
  await page.waitForLoadState('networkidle');
  await pause(500);
  const size = page.viewportSize() ?? { width: 1000, height: 700 };
  await page.mouse.move(size.width / 2, size.height / 2);
  const watch = await watchFrames(page);
  const lastRow = `Math.max(...[...document.querySelectorAll('[role=${role}][style]')].map((row) => Math.round(Number.parseFloat(row.style.top) / row.offsetHeight)))`;
  let last = 0;
  for (let turn = 0; turn < 4_000 && last < rows; turn += 1) {
    await page.mouse.wheel(0, turnPx);
    await pause(16);
    if (turn % 10 === 0) last = 1 + (await page.evaluate<number>(lastRow));
  }
  return { rows: last, ...(await watch.stop()) };
}

/** @returns processor seconds of the browser's processes since their start, by what they do: `renderer` are its pages, `GPU` what draws them without a graphics card too */
export async function watchProcessors(person: BrowserContext): Promise<() => Promise<ReadonlyMap<string, number>>> {
  const browser = person.browser();
  if (browser === null) throw new Error('the context is of no browser that can be watched');
  const session = await browser.newBrowserCDPSession();
  return async () => {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const found = new Map<string, number>();
    for (const { type, cpuTime } of processInfo) found.set(type, (found.get(type) ?? 0) + cpuTime);
    return found;
  };
}
