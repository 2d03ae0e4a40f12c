/** Who may call a server: the rules that name it, in the order in which they weigh, and what else the way to it asks for. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { ShieldQuestion } from 'lucide-react';
import type { ReactElement } from 'react';
import { buttonLook } from '../../ui/button.tsx';
import { Fact, factList } from '../../ui/fact.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { SmallTable } from '../../ui/small-table.tsx';
import { Allowed } from '../../ui/states.tsx';
import { Part } from '../people/part.tsx';
import { EffectWord } from '../policies/effect-word.tsx';
import { rulesAbout } from '../policies/rules-about.ts';
import { policiesQuery } from '../policies/use-policies.ts';
import { authText } from './auth-text.ts';

export function ServerAccess({ server }: { readonly server: Schemas['Server'] }): ReactElement {
  return (
    <div className="flex flex-col gap-6">
      <dl className={factList}>
        <Fact name="Authentication">
          {server.auth === 'none' ? <span className="text-warn">▲ none: open to everyone who can reach the address</span> : authText(server.auth)}
        </Fact>
      </dl>
      <Allowed permission="policies.read">
        <Rules name={server.name} />
      </Allowed>
    </div>
  );
}

function Rules({ name }: { readonly name: string }): ReactElement {
  const list = useQuery(policiesQuery);
  return (
    <Part
      title="Rules for this server"
      actions={
        <Link to="/access" search={{ server: name }} className={buttonLook()}>
          <ShieldQuestion size={14} aria-hidden="true" /> Check access
        </Link>
      }
    >
      <Loaded query={list} what="The rules" rows={4}>
        {(rules) => {
          const about = rulesAbout(rules, name, null);
          if (rules.length === 0) return <p className="text-ink-2">There are no access rules: whatever keys and roles permit is allowed.</p>;
          if (about.length === 0) return <p className="text-ink-2">No rule applies to it. As there are rules, calls that none of them allows are refused.</p>;
          return (
            <SmallTable titles={['Rule', 'Effect', 'For', 'Servers', 'Scope']} left={5}>
              {about.map(({ name: rule, effect, to, servers, tools, resources, prompts, when, served }) => (
                <tr key={rule} className={`h-(--row) border-t border-hairline hover:bg-canvas ${served ? '' : 'text-ink-3'}`}>
                  <th scope="row" className="px-3 text-left font-medium whitespace-nowrap">
                    <Link to="/policies" search={{ rule }} className="hover:text-accent hover:underline">
                      {rule}
                    </Link>
                    {!served && <span className="font-normal"> (inactive)</span>}
                  </th>
                  <td className="px-3 whitespace-nowrap">
                    <EffectWord effect={effect} />
                  </td>
                  <td className="px-3 whitespace-nowrap">{namesText(to)}</td>
                  <td className="px-3 whitespace-nowrap">{namesText(servers)}</td>
                  <td className="px-3 whitespace-nowrap">
                    {whatText({ tools, resources, prompts })}
                    {when !== null && <span className="text-ink-3"> (with conditions)</span>}
                  </td>
                </tr>
              ))}
            </SmallTable>
          );
        }}
      </Loaded>
    </Part>
  );
}

const namesShown = 3;

function namesText(names: readonly string[]): string {
  if (names.includes('*')) return 'all';
  return names.length <= namesShown ? names.join(', ') : `${names.slice(0, namesShown).join(', ')} and ${names.length - namesShown} others`;
}

function whatText(kinds: Readonly<Record<'tools' | 'resources' | 'prompts', readonly string[] | null>>): string {
  const said = Object.entries(kinds).flatMap(([kind, names]) => (names === null ? [] : [`${kind} ${namesText(names)}`]));
  return said.length === 0 ? 'all' : said.join('; ');
}
