import { Link } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { Fact, factList } from '../../ui/fact.tsx';

/** Who somebody would be, by what a provider says of them. */
export function Preview({ preview }: { readonly preview: Schemas['MappingPreview'] }): ReactElement {
  const { subject, name, email, groups, allowed, user_id: userId, team_ids: teams, role_ids: roles, missing } = preview;
  const none = <span className="text-ink-3">none</span>;
  return (
    <dl className={factList}>
      <Fact name="May sign in">{allowed ? 'yes' : <span className="text-blocked">⊘ no: none of their groups allows it</span>}</Fact>
      <Fact name="Subject">
        <code className="font-mono text-meta break-all">{subject}</code>
      </Fact>
      <Fact name="Name">{name ?? none}</Fact>
      <Fact name="E-mail">{email ?? <span className="text-ink-3">none that can be trusted</span>}</Fact>
      <Fact name="Would be">
        {userId === null ? (
          'a new user'
        ) : (
          <Link to="/people/$kind/$id" params={{ kind: 'users', id: userId }} className="text-accent hover:underline">
            {userId}
          </Link>
        )}
      </Fact>
      <Fact name="Groups">{groups.length === 0 ? none : groups.join(', ')}</Fact>
      <Fact name="Teams">{teams.length === 0 ? none : teams.join(', ')}</Fact>
      <Fact name="Roles">{roles.length === 0 ? none : roles.join(', ')}</Fact>
      {missing.length > 0 && (
        <Fact name="Missing">
          <span className="text-warn">▲ the mapping names {missing.join(', ')}, which does not exist</span>
        </Fact>
      )}
    </dl>
  );
}
