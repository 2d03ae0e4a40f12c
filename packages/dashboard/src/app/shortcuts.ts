/** Single keys as commands, as in the tools that people already know; off in fields, under dialogs and menus, and where they are switched off. */
import { useEffect, useRef } from 'react';
import { appearance } from './appearance.ts';

export interface Shortcut {
  /** `j`, `?`, `Enter`, or `g t` for one key after the other; `mod+k` for Ctrl or ⌘. */
  readonly keys: string;
  readonly about: string;
  readonly run: () => void;
}

interface Layer {
  shortcuts: readonly Shortcut[];
  readonly of: 'shell' | 'page';
}

/** The page's own come after those of the shell, and win. */
const layers: Layer[] = [];
let pending: { readonly key: string; readonly at: number } | null = null;
/** Between two keys that belong together. */
const sequenceMs = 1200;
/** What the page that is on its way is to do first, by what it is about. */
let awaited: { readonly about: string; readonly untilMs: number } | null = null;
const arrivalMs = 10_000;

export function useShortcuts(shortcuts: readonly Shortcut[], of: Layer['of'] = 'page'): void {
  const layer = useRef<Layer>({ shortcuts, of });
  useEffect(() => {
    layer.current.shortcuts = shortcuts;
    runAwaited();
  });
  useEffect(() => {
    const own = layer.current;
    if (own.of === 'shell') layers.unshift(own);
    else layers.push(own);
    runAwaited();
    return () => {
      layers.splice(layers.indexOf(own), 1);
    };
  }, []);
}

/** Those that hold now: of the page, or of the shell around it. */
export function shortcutsOf(of: Layer['of']): readonly Shortcut[] {
  return layers.toReversed().flatMap((layer) => (layer.of === of ? layer.shortcuts : []));
}

/** Runs a command of a page, now or as soon as its page is there. `about`: as the page says it. */
export function runOnceThere(about: string): void {
  awaited = { about, untilMs: performance.now() + arrivalMs };
  runAwaited();
}

function runAwaited(): void {
  const found = awaited === null ? undefined : shortcutsOf('page').find((one) => one.about === awaited?.about);
  if (awaited === null || found === undefined) return;
  const isInTime = performance.now() < awaited.untilMs;
  awaited = null;
  if (isInTime) found.run();
}

/** All that hold now, those of the page first. */
function activeShortcuts(): readonly Shortcut[] {
  return [...shortcutsOf('page'), ...shortcutsOf('shell')];
}

export function listenForShortcuts(): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return;
    const withMod = event.metaKey || event.ctrlKey;
    const pressed = `${withMod ? 'mod+' : ''}${event.shiftKey && event.key.length > 1 ? 'shift+' : ''}${event.key.length === 1 ? (withMod ? event.key.toLowerCase() : event.key) : event.key}`;
    if (event.altKey || (event.key === 'Enter' && acts(event.target))) return;
    if (!withMod && (!appearance().shortcuts || isTyping(event.target) || document.querySelector('[role=dialog],[role=alertdialog],[role=menu]') !== null))
      return;
    const first = pending !== null && event.timeStamp - pending.at < sequenceMs ? pending.key : null;
    pending = null;
    const found = activeShortcuts().find(({ keys }) => keys === (first === null ? pressed : `${first} ${pressed}`));
    if (found !== undefined) {
      event.preventDefault();
      found.run();
    } else if (first === null && activeShortcuts().some(({ keys }) => keys.startsWith(`${pressed} `))) {
      pending = { key: pressed, at: event.timeStamp };
    }
  };
  globalThis.addEventListener('keydown', onKey);
  return () => globalThis.removeEventListener('keydown', onKey);
}

/** What Enter does on its own: a page that has it for its list must not take it from a button. */
function acts(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('a[href], button, summary, [role=button], [role=tab], [role=menuitem], [role=option]') !== null;
}

function isTyping(target: EventTarget | null): boolean {
  // Nothing is typed into a box that is ticked.
  if (target instanceof HTMLInputElement && target.type === 'checkbox') return false;
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}
