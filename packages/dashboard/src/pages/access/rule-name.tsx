import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { ReferenceLink } from '../people/entry-words.tsx';

const switchPrefix = 'switched-off:';

/** A rule by its name: a switch leads to what is off, a policy opens here. `isPolicy`: false for what a policy engine calls itself. */
export function RuleName({ name, isPolicy }: { readonly name: string; readonly isPolicy: boolean }): ReactElement {
  if (name.startsWith(switchPrefix)) return <SwitchedOff reference={name.slice(switchPrefix.length)} />;
  if (!isPolicy) return <span className="font-medium">{name}</span>;
  return (
    <Link to="/policies" search={{ rule: name }} className="font-medium text-accent hover:underline">
      {name}
    </Link>
  );
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
