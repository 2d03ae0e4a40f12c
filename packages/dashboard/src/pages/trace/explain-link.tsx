import type { Schemas } from '@gatewayops/sdk';
import { Link } from '@tanstack/react-router';
import { ShieldQuestion } from 'lucide-react';
import type { ReactElement } from 'react';
import { useCapability } from '../../app/session.ts';
import { buttonLook } from '../../ui/button.tsx';
import { AllowThis } from '../policies/allow-this.tsx';

/** What the rules decide of: other operations have nothing to explain. */
const kinds = { 'mcp.tools.call': 'tool', 'mcp.resources.read': 'resource', 'mcp.prompts.get': 'prompt' } as const;

export type TraceContext = Schemas['Trace']['trace']['context'];

/**
 * To the rules that decide such a call, and to one that would let it through where they stopped it: by the key that it came with, else by whom it was of.
 * Nothing where nobody is known.
 */
export function ExplainLink({ span, context }: { readonly span: Schemas['Span']; readonly context: TraceContext }): ReactElement | null {
  const { allowed } = useCapability('policies.read');
  const isStopped = span.stop === 'access' && (span.status === 'blocked' || span.status === 'waiting');
  const kind = Object.entries(kinds).find(([operation]) => operation === span.operation)?.[1];
  const name = span.tool ?? span.name;
  const as = callerOf(span.key_id ?? context.key_id, context);
  if (!allowed || kind === undefined || name === null || as === null) return null;
  const link = (
    <Link to="/access" search={{ as, server: span.server, ...(kind === 'tool' ? {} : { kind }), name }} className={buttonLook()}>
      <ShieldQuestion size={14} aria-hidden="true" /> Explain the decision
    </Link>
  );
  return (
    <div className="flex flex-wrap gap-2">
      {link}
      {isStopped && <AllowThis stopped={{ as, server: span.server, kind, name, rule: span.policy }} />}
    </div>
  );
}

/** As the question takes it. */
function callerOf(keyId: string | null, { user_id: user, agent_name: agent }: TraceContext): string | null {
  if (keyId?.startsWith('key_') === true) return keyId;
  if (user !== null) return `user:${user}`;
  if (agent !== null) return `agent:${agent}`;
  return keyId === null || keyId === '' ? null : `service_account:${keyId}`;
}
