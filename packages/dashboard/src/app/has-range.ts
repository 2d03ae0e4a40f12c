import { useMatches } from '@tanstack/react-router';
import { useCapability } from './session.ts';

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    /** What the range of time is of, as the permission to see that; null or absent: nothing on the page depends on it. */
    readonly rangeOf?: (search: Readonly<Record<string, unknown>>) => string | null;
  }
}

/** Whether the range of time does something on the page that is open. */
export function useHasRange(): boolean {
  const permission = useMatches({
    select: (matches) => matches.map(({ staticData, search }) => staticData.rangeOf?.(search) ?? null).find((of) => of !== null),
  });
  const { allowed } = useCapability(permission ?? '');
  return allowed;
}
