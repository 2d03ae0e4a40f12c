/** A real browser without a window, driven by `playwright-core`: Debian's Chromium, for no browser comes with the package. */
import { type BrowserContext, chromium, type Page } from 'playwright-core';

export interface TestBrowser {
  /** Somebody with a browser of their own, who has been nowhere yet. `theme`: what their system says; default light. */
  person(options?: { readonly theme?: 'light' | 'dark' }): Promise<BrowserContext>;
  stop(): Promise<void>;
}

/** So long a page may take on a machine that does other things too. */
const patienceMs = 60_000;

/** `path`: of the program, as `requires('chromium')` finds it. Certificates are believed: it is not the browser that is tested. */
export async function startBrowser(path: string): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath: path,
    timeout: patienceMs,
    args: [
      // Root, as which containers run tests, has no sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      // Neither it nor a page of others asks anybody elsewhere.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
    ],
  });
  return {
    async person({ theme = 'light' } = {}) {
      const context = await browser.newContext({ ignoreHTTPSErrors: true, colorScheme: theme, viewport: { width: 1024, height: 720 } });
      context.setDefaultTimeout(patienceMs);
      return context;
    },
    stop: () => browser.close(),
  };
}

/** What the element that has the focus is called. */
const focused =
  "(({ ariaLabel, labels, innerText }) => [ariaLabel ?? '', ...[...(labels ?? [])].map((one) => one.innerText), innerText ?? ''].join(' ').trim())(document.activeElement)";

/** Goes on by the keyboard alone, to what has that text or label. */
export async function tabTo(page: Page, text: string): Promise<void> {
  const met: string[] = [];
  for (let steps = 0; steps < 30; steps++) {
    await page.keyboard.press('Tab');
    const label = await page.evaluate<string>(focused);
    if (label.includes(text)) return;
    met.push(label);
  }
  throw new Error(`the keyboard leads to no ${text}, but to ${met.join(' | ')}`);
}
