/** What holds for a tool whoever calls it: whether it is switched off, and the rules that are about it. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { useMemo, useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { StateWord } from '../../ui/state-word.tsx';
import { EffectWord } from '../policies/effect-word.tsx';
import type { Policy } from '../policies/policy-text.ts';
import { fits, folded, rulesAbout } from '../policies/rules-about.ts';
import { policiesQuery } from '../policies/use-policies.ts';
import { SwitchedOff } from '../servers/switched-off.tsx';

export interface ToolAccess {
  /** What switches it off: itself, or a pattern that it fits. */
  readonly off: Schemas['Switch'] | null;
  /** Those that hold, the weightiest first. */
  readonly rules: readonly Policy[];
}

export interface AccessOfTools {
  /** Null: whoever looks may not read rules, or they are not there yet. */
  readonly of: ((tool: string) => ToolAccess) | null;
  readonly refresh: () => Promise<unknown>;
}

/** Of all tools of a server. */
export function useToolAccess(server: string): AccessOfTools {
  const enabled = useCapability('policies.read').allowed;
  const policies = useQuery({ ...policiesQuery, enabled });
  const switches = useQuery({
    queryKey: ['switches', 'tool', server],
    queryFn: ({ signal }) => gateway.switches.list({ kind: 'tool', q: `${server}/`.slice(0, 100), limit: 200 }, { signal }).take(5000),
    enabled,
    refetchInterval: 15_000,
  });
  const of = useMemo(() => {
    if (policies.data === undefined || switches.data === undefined) return null;
    const held = rulesAbout(policies.data, server, null).filter(({ served }) => served);
    const found = new Map<string, ToolAccess>();
    return (tool: string): ToolAccess => {
      const known = found.get(tool);
      if (known !== undefined) return known;
      const off = switches.data.find(({ name }) => fits(folded(name), folded(`${server}/${tool}`))) ?? null;
      const access = { off, rules: rulesAbout(held, server, tool) };
      found.set(tool, access);
      return access;
    };
  }, [policies.data, switches.data, server]);
  return { of, refresh: () => switches.refetch() };
}

/** In a list: what is said of this tool and not of all that its server has, the weightiest of it first. */
export function ToolAccessWord({ access: { off, rules } }: { readonly access: ToolAccess }): ReactElement {
  if (off !== null) return <StateWord state="off" reason={off.reason} />;
  const [first, ...others] = rules.filter(({ effect, tools }) => effect !== 'allow' || tools !== null);
  if (first === undefined) return <span className="text-ink-3">same as server</span>;
  return (
    <span title={rules.map(({ name, effect }) => `${effect}: ${name}`).join('\n')}>
      <EffectWord effect={first.effect} /> {first.name}
      {others.length > 0 && <span className="text-ink-3"> and {others.length} more</span>}
    </span>
  );
}

/** Over a tool: why it is off, or the rules that its calls are asked by. */
export function ToolRules({ access: { off, rules } }: { readonly access: ToolAccess }): ReactElement {
  return (
    <>
      {off !== null && <SwitchedOff off={off} />}
      <p className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <span className="text-ink-3">{rules.length === 0 ? 'No rule names it.' : 'Rules'}</span>
        {rules.map(({ name, effect, when }) => (
          <span key={name} className="inline-flex items-center gap-1.5">
            <EffectWord effect={effect} />
            <Link to="/policies" search={{ rule: name }} className="text-accent hover:underline">
              {name}
            </Link>
            {when !== null && <span className="text-ink-3">(with conditions)</span>}
          </span>
        ))}
      </p>
    </>
  );
}

interface ToolSwitchProps {
  readonly server: string;
  readonly tool: string;
  readonly off: Schemas['Switch'] | null;
  readonly refresh: () => Promise<unknown>;
}

/** Off for everybody, at once, whatever rules say; and on again. */
export function ToolSwitch({ server, tool, off, refresh }: ToolSwitchProps): ReactElement {
  const may = useCapability('switches.write');
  const [switching, setSwitching] = useState(false);
  const name = `${server}/${tool}`;
  const enable = useMutation({ mutationFn: () => gateway.switches.enable('tool', name), onSuccess: refresh });
  if (off !== null) {
    const whyNot = !may.allowed ? may.reason : off.name === name ? null : `It is off with ${off.name}: enable it under Policies.`;
    return (
      <>
        <Button disabled={whyNot !== null || enable.isPending} title={whyNot ?? undefined} onClick={() => enable.mutate()}>
          Enable tool
        </Button>
        <FaultLine error={enable.error} />
      </>
    );
  }
  return (
    <>
      <Button look="danger" disabled={!may.allowed} title={may.allowed ? undefined : may.reason} onClick={() => setSwitching(true)}>
        Disable tool
      </Button>
      {switching && (
        <Confirm
          title={`Disable ${tool}?`}
          verb="Disable the tool"
          reason="Reason"
          onClose={() => setSwitching(false)}
          onConfirm={async (reason) => {
            await gateway.switches.disable('tool', name, { reason });
            await refresh();
          }}
        >
          No call reaches it, on every node within a second, whatever rules say; other tools of {server} are unaffected. It can be enabled again here.
        </Confirm>
      )}
    </>
  );
}
