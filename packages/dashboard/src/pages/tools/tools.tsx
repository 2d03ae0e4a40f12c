/** All that a server offers: its tools with what their server says of them, and one of them beside the list, to be read and tried. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { ArrowLeft } from 'lucide-react';
import { useMemo, useState, type ReactElement } from 'react';
import { useShortcuts } from '../../app/shortcuts.ts';
import { DataTable, moved, type Column } from '../../table/data-table.tsx';
import { countText, pluralText } from '../../text/format.ts';
import { Button } from '../../ui/button.tsx';
import { FindField } from '../../ui/find-field.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Allowed, Empty } from '../../ui/states.tsx';
import { ServerFrame } from '../servers/server-frame.tsx';
import { testQuery } from '../servers/use-servers.ts';
import { Offered } from './offered.tsx';
import { useOwnKey } from './own-key.ts';
import { ToolAccessWord, useToolAccess, type AccessOfTools } from './tool-access.tsx';
import { ToolDetail, ToolHints } from './tool-detail.tsx';

type Tool = Schemas['ListedTool'];

export function ServerTools(): ReactElement {
  const { name } = useParams({ from: '/servers/$name/tools' });
  return (
    <Allowed permission="servers.read">
      <ServerFrame name={name} tab="tools" fills>
        {(server) => (
          <Allowed permission="servers.test">
            <Offered server={server.name}>
              <Tools key={server.name} server={server} />
            </Offered>
          </Allowed>
        )}
      </ServerFrame>
    </Allowed>
  );
}

const idOf = ({ name }: Tool): string => name;

function Tools({ server }: { readonly server: Schemas['Server'] }): ReactElement {
  const search = useSearch({ from: '/servers/$name/tools' });
  const navigate = useNavigate({ from: '/servers/$name/tools' });
  const test = useQuery(testQuery(server.name));
  const keyFor = useOwnKey(server.name);
  const access = useToolAccess(server.name);
  const columns = useMemo(() => toolColumns(access.of), [access.of]);
  const tools = test.data?.tools ?? null;
  const shown = useMemo(() => {
    const find = (search.find ?? '').toLowerCase();
    return (tools ?? []).filter(({ name, title, description }) => `${name} ${title} ${description}`.toLowerCase().includes(find));
  }, [tools, search.find]);
  const open = tools?.find(({ name }) => name === search.tool);
  const [cursor, setCursor] = useState<string | null>(null);
  const at = search.tool ?? cursor;
  const choose = (tool: string | undefined): void =>
    void navigate({ search: (old) => ({ ...old, tool, trace: undefined, span: undefined }), replace: search.tool !== undefined && tool !== undefined });
  const move = (by: 1 | -1): void => {
    const next = moved(shown, idOf, at, by);
    if (search.tool === undefined) setCursor(next);
    else if (next !== null) choose(next);
  };
  useShortcuts([
    { keys: 'j', about: 'Next tool', run: () => move(1) },
    { keys: 'k', about: 'Previous tool', run: () => move(-1) },
    { keys: 'Enter', about: 'Open the tool', run: () => cursor !== null && choose(cursor) },
    { keys: 'Escape', about: 'Close the tool', run: () => choose(undefined) },
  ]);
  return (
    <Loaded query={test} what="What the server offers" rows={8}>
      {(said) =>
        said.tools === null ? (
          <Empty title="Its tools cannot be listed">
            <span className="block">
              It failed at {said.failed_at ?? 'connect'}: {said.reason ?? 'it does not answer correctly'}
            </span>
            <span className="block">
              {said.fix} <em>Connect and test</em> tries it again.
            </span>
          </Empty>
        ) : said.tools.length === 0 ? (
          <Empty title="It offers no tools">It answers, but lists none.</Empty>
        ) : (
          <div className="flex min-h-0 flex-1">
            <section
              aria-label="Its tools"
              className={`flex min-h-0 min-w-0 flex-col ${search.tool === undefined ? 'flex-1' : 'w-full max-lg:hidden lg:w-72 lg:shrink-0 lg:border-r lg:border-hairline xl:w-80'}`}
            >
              <div className="flex flex-wrap items-end gap-x-4 px-3 pt-3 pb-2 sm:px-4">
                <div className="w-full max-w-md">
                  <FindField
                    placeholder="Name or description"
                    value={search.find}
                    onFind={(find) => void navigate({ search: (old) => ({ ...old, find }), replace: true })}
                  />
                </div>
                <p className="pb-2 text-meta text-ink-3">
                  {shown.length === said.tools.length
                    ? pluralText(said.tools.length, 'tool')
                    : `${countText(shown.length)} of ${pluralText(said.tools.length, 'tool')}`}
                  {said.tools_cut && '; it has more than are listed here'}
                </p>
              </div>
              <div className="flex min-h-0 flex-1 border-t border-hairline">
                {shown.length === 0 ? (
                  <Empty title={`None of ${pluralText(said.tools.length, 'tool')} matches “${search.find ?? ''}”`} />
                ) : (
                  <DataTable
                    label="Tools"
                    columns={columns}
                    shown={search.tool === undefined ? columns.map(({ id }) => id) : ['name']}
                    rows={shown}
                    idOf={idOf}
                    cursor={at}
                    onOpen={({ name }) => choose(name)}
                  />
                )}
              </div>
            </section>
            {search.tool !== undefined && (
              <section aria-label={search.tool} className="min-h-0 min-w-0 flex-1 overflow-y-auto px-3 py-4 sm:px-6">
                <Button look="quiet" className="mb-2 -ml-3 lg:hidden" onClick={() => choose(undefined)}>
                  <ArrowLeft size={14} aria-hidden="true" /> All tools
                </Button>
                {open === undefined ? (
                  <Empty title={`It lists no tool ${search.tool}`}>It may have been renamed, or come after those listed here.</Empty>
                ) : (
                  <ToolDetail
                    key={`${open.name} ${search.span ?? ''}`}
                    server={server}
                    tool={open}
                    keyFor={keyFor}
                    access={access}
                    traceId={search.trace ?? null}
                    spanId={search.span ?? null}
                  />
                )}
              </section>
            )}
          </div>
        )
      }
    </Loaded>
  );
}

function toolColumns(accessOf: AccessOfTools['of']): readonly Column<Tool>[] {
  return [
    {
      id: 'name',
      title: 'Tool',
      rank: 3,
      track: 'minmax(160px, 1fr)',
      cell: ({ name, title }) => (
        <span title={title === '' ? name : `${name}: ${title}`} className="font-medium">
          {name}
        </span>
      ),
    },
    ...(accessOf === null
      ? []
      : [{ id: 'access', title: 'Rules', rank: 2, track: 'minmax(120px, 1fr)', cell: ({ name }: Tool) => <ToolAccessWord access={accessOf(name)} /> }]),
    { id: 'hints', title: 'Hints', track: 'minmax(256px, 2fr)', cell: (tool) => <ToolHints tool={tool} wraps={false} /> },
    {
      id: 'about',
      title: 'Description',
      rank: 1,
      track: 'minmax(200px, 3fr)',
      cell: ({ title, description }) => <span className="text-ink-2">{description === '' ? title : description}</span>,
    },
  ];
}
