import { useMatches } from '@tanstack/react-router';

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    /** Whether what the page shows depends on the range of time; absent: it does not. */
    readonly hasRange?: (search: Readonly<Record<string, unknown>>) => boolean;
  }
}

/** Whether the range of time does something on the page that is open. */
export function useHasRange(): boolean {
  return useMatches({ select: (matches) => matches.some(({ staticData, search }) => staticData.hasRange?.(search) === true) });
}
