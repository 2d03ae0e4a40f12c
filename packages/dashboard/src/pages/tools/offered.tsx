/** What a server offers beside its tools: its resources and their templates, and its prompts. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { countText, pluralText } from '../../text/format.ts';
import { FindField } from '../../ui/find-field.tsx';
import { SmallTable } from '../../ui/small-table.tsx';
import { Empty } from '../../ui/states.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { testQuery } from '../servers/use-servers.ts';

interface OfferedFrameProps {
  readonly server: string;
  /** Its tools, which fill what is left of the page. */
  readonly children: ReactElement;
}

const kinds = [
  ['tools', 'Tools'],
  ['resources', 'Resources'],
  ['prompts', 'Prompts'],
] as const;

/** Its tools, and where it offers more than tools the names of all kinds above them. */
export function Offered({ server, children }: OfferedFrameProps): ReactElement {
  const { kind, tool, find } = useSearch({ from: '/servers/$name/tools' });
  const navigate = useNavigate({ from: '/servers/$name/tools' });
  const { data: said } = useQuery(testQuery(server));
  const counts = { tools: said?.tools?.length ?? 0, resources: said?.resources?.length ?? 0, prompts: said?.prompts?.length ?? 0 };
  if (said === undefined || counts.resources + counts.prompts === 0 || tool !== undefined) return children;
  const tabs = kinds.filter(([id]) => id === 'tools' || counts[id] > 0).map(([id, title]) => [id, `${title} ${countText(counts[id])}`] as const);
  const chosen = tabs.find(([id]) => id === kind)?.[0] ?? 'tools';
  const Shown = chosen === 'resources' ? Resources : Prompts;
  return (
    <>
      <Tabs
        label="What it offers"
        tabs={tabs}
        chosen={chosen}
        onChoose={(id) => void navigate({ search: id === 'tools' ? {} : { kind: id }, replace: true })}
        className="mx-3 mt-1 sm:mx-4"
      />
      {chosen === 'tools' ? (
        children
      ) : (
        <div className="flex min-h-0 flex-1 flex-col gap-3 overflow-y-auto px-3 py-3 sm:px-4">
          <div className="flex flex-wrap items-end gap-x-4">
            <div className="w-full max-w-md">
              <FindField
                placeholder="Name or description"
                value={find}
                onFind={(text) => void navigate({ search: (old) => ({ ...old, find: text }), replace: true })}
              />
            </div>
            {said.others_cut && <p className="pb-2 text-meta text-ink-3">It has more than are listed here.</p>}
          </div>
          <Shown said={said} find={(find ?? '').toLowerCase()} />
        </div>
      )}
    </>
  );
}

interface OfferedProps {
  readonly said: Schemas['ServerTest'];
  /** In small letters. */
  readonly find: string;
}

function Resources({ said, find }: OfferedProps): ReactElement {
  const all = said.resources ?? [];
  const shown = all.filter(({ uri, name, description }) => `${uri} ${name} ${description}`.toLowerCase().includes(find));
  if (shown.length === 0) return <Empty title={`None of ${pluralText(all.length, 'resource')} matches “${find}”`} />;
  return (
    <SmallTable titles={['Resource', 'Name', 'Type', 'Description']} left={4}>
      {shown.map(({ uri, is_template: isTemplate, name, mime_type: type, description }) => (
        <tr key={`${uri} ${name}`} className="border-t border-hairline align-top">
          <th scope="row" className="px-3 py-1.5 text-left font-normal">
            <code className="font-mono text-meta break-all">{uri}</code>
            {isTemplate && <span className="text-ink-3"> template</span>}
          </th>
          <td className="px-3 py-1.5 font-medium">{name}</td>
          <td className="px-3 py-1.5 whitespace-nowrap text-ink-2">{type ?? ''}</td>
          <td className="px-3 py-1.5 text-ink-2">{description}</td>
        </tr>
      ))}
    </SmallTable>
  );
}

function Prompts({ said, find }: OfferedProps): ReactElement {
  const all = said.prompts ?? [];
  const shown = all.filter(({ name, description }) => `${name} ${description}`.toLowerCase().includes(find));
  if (shown.length === 0) return <Empty title={`None of ${pluralText(all.length, 'prompt')} matches “${find}”`} />;
  return (
    <SmallTable titles={['Prompt', 'Arguments', 'Description']} left={3}>
      {shown.map(({ name, arguments: taken, description }) => (
        <tr key={name} className="border-t border-hairline align-top">
          <th scope="row" className="px-3 py-1.5 text-left font-medium">
            {name}
          </th>
          <td className="px-3 py-1.5">
            {taken.length === 0 && <span className="text-ink-3">nothing</span>}
            {taken.map((one, index) => (
              <span key={one.name} title={one.description === '' ? undefined : one.description}>
                {index > 0 && ', '}
                {one.name}
                {!one.required && <span className="text-ink-3"> optional</span>}
              </span>
            ))}
          </td>
          <td className="px-3 py-1.5 text-ink-2">{description}</td>
        </tr>
      ))}
    </SmallTable>
  );
}
