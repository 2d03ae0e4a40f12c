import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { countText } from '../../text/format.ts';
import { Ago } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { KeyState, scopeText } from '../keys/key-words.tsx';
import { Part } from './part.tsx';
import { keysOf, type KeyMember } from './what-they-have.ts';
import { SmallTable } from '../../ui/small-table.tsx';
import { Loaded } from '../../ui/loaded.tsx';

const shownMax = 50;

/** The keys whose calls are counted for one: those that work first. */
export function OwnKeys({ member, id, title }: { readonly member: KeyMember; readonly id: string; readonly title: string }): ReactElement {
  const now = useNow(60_000);
  const keys = useQuery({ queryKey: ['people', 'keys', member, id], queryFn: ({ signal }) => keysOf(member, id, signal) });
  const inOrder = (keys.data ?? []).toSorted((a, b) => Number(b.status === 'active') - Number(a.status === 'active'));
  return (
    <Part title="Keys">
      <Loaded query={keys} what="Keys" rows={2}>
        {() =>
          inOrder.length === 0 ? (
            <p className="text-ink-2">
              No key belongs to this {title}.{' '}
              <Link to="/keys" className="text-accent underline">
                All keys
              </Link>
            </p>
          ) : (
            <SmallTable titles={['Name', 'Prefix', 'Reaches', 'State', 'Last used', 'Calls']} left={5}>
              {inOrder.slice(0, shownMax).map((key) => (
                <tr key={key.id} className={`h-(--row) border-t border-hairline ${key.status === 'active' ? '' : 'text-ink-3'}`}>
                  <th scope="row" className="px-3 text-left font-medium">
                    <Link to="/keys" search={{ key: key.id }} className="hover:text-accent hover:underline">
                      {key.name}
                    </Link>
                  </th>
                  <td className="px-3">
                    <code className="font-mono text-meta">{key.prefix}…</code>
                  </td>
                  <td className="px-3">{scopeText(key)}</td>
                  <td className="px-3 whitespace-nowrap">
                    <KeyState keyOf={key} now={now} />
                  </td>
                  <td className="px-3">{key.last_used === null ? <span className="text-ink-3">never</span> : <Ago time={key.last_used} now={now} />}</td>
                  <td className="px-3 text-right">{key.usage === null ? '–' : countText(key.usage.calls)}</td>
                </tr>
              ))}
            </SmallTable>
          )
        }
      </Loaded>
      {inOrder.length > shownMax && <p className="mt-1 text-meta text-ink-3">The first {shownMax} are shown.</p>}
    </Part>
  );
}
