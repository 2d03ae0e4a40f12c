import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { FaultLine } from '../../ui/fault-line.tsx';
import { ReferenceLink } from '../people/entry-words.tsx';
import { JsonView } from '../trace/json-view.tsx';

const switchPrefix = 'switched-off:';

/** A rule by its name: a switch leads to what is off, a policy opens here. `isPolicy`: false for what a policy engine calls itself. */
export function RuleName({ name, isPolicy }: { readonly name: string; readonly isPolicy: boolean }): ReactElement {
  if (name.startsWith(switchPrefix)) return <SwitchedOff reference={name.slice(switchPrefix.length)} />;
  return isPolicy ? <Policy name={name} /> : <span className="font-medium">{name}</span>;
}

function SwitchedOff({ reference }: { readonly reference: string }): ReactElement {
  const server = /^(?:server|tool):([^/]+)/.exec(reference)?.[1];
  const key = /^key:(key_\w+)$/.exec(reference)?.[1];
  return (
    <span>
      switched off:{' '}
      {server !== undefined ? (
        <Link to="/servers/$name" params={{ name: server }} className="text-accent underline">
          {reference.replace(':', ' ')}
        </Link>
      ) : key !== undefined ? (
        <Link to="/keys" search={{ key }} className="text-accent underline">
          the key {key}
        </Link>
      ) : (
        <ReferenceLink reference={reference} />
      )}
    </span>
  );
}

/** What it says, where it is asked for. */
function Policy({ name }: { readonly name: string }): ReactElement {
  const [open, setOpen] = useState(false);
  const found = useQuery({ queryKey: ['policy', name], queryFn: async ({ signal }) => (await gateway.policies.get(name, { signal })).policy, enabled: open });
  return (
    <span>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} className="font-medium text-accent hover:underline">
        {name}
      </button>
      {open && (
        <span className="mt-1 block text-ink">
          {found.error !== null ? <FaultLine error={found.error} /> : found.data !== undefined && <JsonView text={JSON.stringify(found.data)} />}
        </span>
      )}
    </span>
  );
}
