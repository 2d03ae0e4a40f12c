import { useQueryClient } from '@tanstack/react-query';
import { useRouterState } from '@tanstack/react-router';
import { useEffect, type ReactElement } from 'react';
import { buttonLook } from '../ui/button.tsx';
import { gateway, signInPath } from './gateway.ts';
import { noteSessionBack, useSessionEnded } from './session-end.ts';
import { sessionQuery, useSession } from './session.ts';

/** Above every page while there is no session: what was on screen stays. Whoever signs in elsewhere in this browser goes on here. */
export function SessionEnded(): ReactElement | null {
  const ended = useSessionEnded();
  const { me } = useSession();
  const queries = useQueryClient();
  // The way back is to where they are then.
  useRouterState({ select: ({ location }) => location.href });
  useEffect(() => {
    if (!ended) return undefined;
    const look = async (): Promise<void> => {
      if (document.visibilityState === 'hidden') return;
      const found = await gateway.me.get().catch(() => null);
      if (found === null) return;
      // Another's screen is not shown to whoever signed in now.
      if (found.id !== me.id && found.owner !== me.owner) location.reload();
      noteSessionBack();
      await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      await queries.invalidateQueries();
    };
    const listen = (): void => void look();
    window.addEventListener('focus', listen);
    document.addEventListener('visibilitychange', listen);
    return () => {
      window.removeEventListener('focus', listen);
      document.removeEventListener('visibilitychange', listen);
    };
  }, [ended, me, queries]);
  if (!ended) return null;
  return (
    <div role="alert" className="flex shrink-0 flex-wrap items-center gap-x-4 gap-y-1 border-b border-hairline bg-warn-soft px-3 py-2 sm:px-4">
      <p className="min-w-0 flex-1">
        <span className="font-medium">Your session has ended.</span>{' '}
        <span className="text-ink-2">What you see was loaded before. Signing in brings you back here.</span>
      </p>
      <a href={signInPath('ended')} className={buttonLook('primary')}>
        Sign in again
      </a>
    </div>
  );
}
