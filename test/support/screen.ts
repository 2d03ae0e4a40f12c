/** What somebody finds on a page of the dashboard: what is set on it, how wide it is, and what keys reach. */
import type { Page } from 'playwright-core';

/** What was set, by which two screens are the same. Figures and times go on, and are no part of it. */
export function screenOf(page: Page): Promise<unknown> {
  return page.evaluate(`(() => {
    const main = document.querySelector('main');
    const texts = (selector) => [...main.querySelectorAll(selector)].map((one) => (one.querySelector('[role=gridcell], th') ?? one).textContent.trim());
    return {
      address: location.pathname + location.search,
      fields: [...main.querySelectorAll('input, select, textarea')].map((one) => one.type === 'checkbox' ? one.checked : one.value),
      columns: texts('[role=columnheader], thead th'),
      chosen: texts('[aria-selected=true], [aria-current], [aria-pressed=true]'),
      beside: [...main.querySelectorAll('aside, [role=tabpanel]')].map((one) => one.getAttribute('aria-label')),
      headings: texts('h1'),
    };
  })()`);
}

/** Pixels that the page and its content take, which may be more than the window has. */
export function widthOf(page: Page): Promise<number> {
  return page.evaluate<number>("Math.max(document.documentElement.scrollWidth, document.querySelector('main').scrollWidth)");
}

/** A page on which more can be done is walked no further. */
const stepsMax = 120;

/** Goes through the page by the keyboard alone. @returns what is not reached, has no name, or is not seen to have the focus */
export async function walk(page: Page): Promise<readonly string[]> {
  const faults: string[] = [];
  const reached = new Set<string>();
  // From the beginning, wherever was clicked before.
  await page.evaluate("{ const first = document.querySelector('a, button'); first.focus(); first.blur(); }");
  while (reached.size < stepsMax) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate<{ id: string; isSeen: boolean; name: string } | null>(focused);
    if (at === null || reached.has(at.id)) break;
    reached.add(at.id);
    if (!at.isSeen) faults.push(`nobody sees that the focus is at ${at.id}`);
    if (at.name === '') faults.push(`${at.id} has no name`);
  }
  const missed = (await page.evaluate<string[]>(reachable)).filter((id) => !reached.has(id));
  if (missed.length > 0 && reached.size < stepsMax) faults.push(`keys do not reach ${missed.join(', ')}`);
  return faults;
}

/** Tells one thing that takes the focus from another. */
const idOf =
  "(one) => one.tagName.toLowerCase() + ' ' + [...document.querySelectorAll(one.tagName)].indexOf(one) + ' ' + (one.ariaLabel ?? one.textContent ?? '').trim().slice(0, 30)";

const focused = `(() => {
  const at = document.activeElement;
  if (at === null || at === document.body) return null;
  // A field without a frame of its own has that of what it stands in.
  const framed = [at, at.parentElement, at.parentElement?.parentElement];
  const hasRing = (one) => one && getComputedStyle(one).outlineStyle !== 'none' && parseFloat(getComputedStyle(one).outlineWidth) > 0;
  const labels = [...(at.labels ?? [])].map((label) => label.textContent).join(' ');
  return { id: (${idOf})(at), isSeen: framed.some(hasRing), name: (at.ariaLabel ?? '') + labels + (at.textContent ?? '') + (at.title ?? '') };
})()`;

/** What can be done on the page now. Rows of a list but the first have no stop of their own: arrows and letters walk them. */
const reachable = `[...document.querySelectorAll('main button, main a[href], main input, main select, main textarea, main [tabindex="0"]')]
  .filter((one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }) && !one.closest('[aria-hidden=true], [inert]') && one.getBoundingClientRect().width > 1)
  .map(${idOf})`;
