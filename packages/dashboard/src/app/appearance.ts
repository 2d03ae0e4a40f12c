/** How this browser shows the dashboard: kept here, not in the gateway, as it is about this screen. `public/theme.js` reads it before the first paint. */
import { useSyncExternalStore } from 'react';

export interface Appearance {
  readonly theme: 'system' | 'light' | 'dark';
  readonly density: 'compact' | 'normal' | 'roomy';
  readonly zone: 'local' | 'utc';
  /** Single letters as commands. */
  readonly shortcuts: boolean;
  readonly narrowNav: boolean;
  /** Filters of Traces that come first. */
  readonly pinnedFacets: readonly string[];
  /** Pixels of the trace beside the list. */
  readonly peekWidth: number;
}

export const peekWidths = { least: 400, usual: 560, most: 1100 } as const;

const place = 'gatewayops.appearance';
const defaults: Appearance = {
  theme: 'system',
  density: 'normal',
  zone: 'local',
  shortcuts: true,
  narrowNav: false,
  pinnedFacets: [],
  peekWidth: peekWidths.usual,
};
const listeners = new Set<() => void>();
let current = read();

export function useAppearance(): Appearance {
  return useSyncExternalStore(subscribe, () => current);
}

export function appearance(): Appearance {
  return current;
}

export function setAppearance(change: Partial<Appearance>): void {
  current = { ...current, ...change };
  apply();
  try {
    localStorage.setItem(place, JSON.stringify(current));
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function read(): Appearance {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(place) ?? '{}');
    return typeof kept === 'object' && kept !== null ? { ...defaults, ...known(kept as Record<string, unknown>) } : defaults;
  } catch {
    return defaults;
  }
}

/** What an older or newer dashboard kept may have other values. */
function known(kept: Record<string, unknown>): Partial<Appearance> {
  const one = <K extends keyof Appearance>(name: K, values: readonly Appearance[K][]): Partial<Appearance> =>
    values.some((value) => value === kept[name]) ? { [name]: kept[name] } : {};
  const names = (name: 'pinnedFacets'): Partial<Appearance> => {
    const list = kept[name];
    return Array.isArray(list) ? { [name]: list.filter((one) => typeof one === 'string').slice(0, 20) } : {};
  };
  return {
    ...one('theme', ['system', 'light', 'dark']),
    ...one('density', ['compact', 'normal', 'roomy']),
    ...one('zone', ['local', 'utc']),
    ...one('shortcuts', [true, false]),
    ...one('narrowNav', [true, false]),
    ...names('pinnedFacets'),
    ...(typeof kept['peekWidth'] === 'number' ? { peekWidth: boundedPeek(kept['peekWidth']) } : {}),
  };
}

export function boundedPeek(pixels: number): number {
  return Number.isFinite(pixels) ? Math.round(Math.max(peekWidths.least, Math.min(peekWidths.most, pixels))) : peekWidths.usual;
}

function apply(): void {
  const { dataset } = document.documentElement;
  for (const [name, value] of [
    ['theme', current.theme === 'system' ? '' : current.theme],
    ['density', current.density === 'normal' ? '' : current.density],
  ] as const) {
    if (value === '') delete dataset[name];
    else dataset[name] = value;
  }
}
