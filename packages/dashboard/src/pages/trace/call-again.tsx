import { Link, useNavigate } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { RotateCw } from 'lucide-react';
import type { ReactElement } from 'react';
import { useCapability } from '../../app/session.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { buttonLook } from '../../ui/button.tsx';

/** Where a call is made again from its schema: null for what is none of a tool, and for whoever may not ask servers what they offer. */
function useAgain(traceId: string, span: Schemas['Span'] | undefined) {
  const { allowed } = useCapability('servers.test');
  if (!allowed || span === undefined || span.operation !== 'mcp.tools.call' || span.tool === null) return null;
  return { to: '/servers/$name/tools', params: { name: span.server }, search: { tool: span.tool, trace: traceId, span: span.id } } as const;
}

export function CallAgainLink({ traceId, span }: { readonly traceId: string; readonly span: Schemas['Span'] }): ReactElement | null {
  const again = useAgain(traceId, span);
  return again === null ? null : (
    <Link {...again} className={buttonLook()} title="Call again (r)">
      <RotateCw size={14} aria-hidden="true" /> Call again…
    </Link>
  );
}

/** `r` leads to the form of the call that is looked at. */
export function useCallAgain(traceId: string, span: Schemas['Span'] | undefined): void {
  const again = useAgain(traceId, span);
  const navigate = useNavigate();
  useShortcuts(again === null ? [] : [{ keys: 'r', about: 'Call again, with other arguments', run: () => void navigate(again) }]);
}
