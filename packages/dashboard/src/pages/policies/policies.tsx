/** The rules of access in the order in which they weigh, and what is switched off. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useMemo, useState, type ReactElement, type ReactNode } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { DataTable, moved, type Column } from '../../table/data-table.tsx';
import { pluralText, shortCount } from '../../text/format.ts';
import { Ago, Clock } from '../../time/time.tsx';
import { Button } from '../../ui/button.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import { Allowed, Command, Empty } from '../../ui/states.tsx';
import { UndoBar, type Undo } from '../../ui/undo-bar.tsx';
import { EditPolicy } from './edit-policy.tsx';
import { EffectWord } from './effect-word.tsx';
import { PolicyPanel } from './policy-panel.tsx';
import { aboutText, byWeight, placeOf, type Policy } from './policy-text.ts';
import { Switches } from './switches.tsx';
import { Loaded } from '../../ui/loaded.tsx';

/** What becomes of a call of which no rule speaks: the last of the list, written nowhere. */
interface Otherwise {
  readonly served: true;
}
type Row = Policy | Otherwise;

const otherwise: Otherwise = { served: true };
const idOf = (row: Row): string => ('name' in row ? row.name : '');
const nothing = <span className="text-ink-3">–</span>;
/** So many rules there may be. */
const rulesMax = 5000;

export function Policies(): ReactElement {
  return (
    <Allowed permission="policies.read">
      <PoliciesPage />
    </Allowed>
  );
}

function PoliciesPage(): ReactElement {
  const search = useSearch({ from: '/policies' });
  const navigate = useNavigate({ from: '/policies' });
  const write = useCapability('policies.write');
  const [creating, setCreating] = useState(false);
  const [undo, setUndo] = useState<Undo | null>(null);
  const list = useQuery({
    queryKey: ['policies'],
    queryFn: ({ signal }) => gateway.policies.list({ limit: 200, usage: 'true' }, { signal }).take(rulesMax),
    // Others write rules too.
    refetchInterval: 15_000,
  });
  const all = useMemo(() => (list.data ?? []).toSorted(byWeight), [list.data]);
  const shown = useMemo(() => {
    const find = (search.find ?? '').toLowerCase();
    return all.filter((rule) => rule.effect === (search.effect ?? rule.effect) && textOf(rule).includes(find));
  }, [all, search.find, search.effect]);
  // It is no hold and no allow, and nothing of it can be found.
  const rows = useMemo((): readonly Row[] => (shown.length === all.length ? [...shown, otherwise] : shown), [shown, all]);
  const isOfFile = all.some(({ source }) => source === 'file');
  const open = all.find(({ name }) => name === search.rule);
  const change = (next: Partial<typeof search>): void => void navigate({ search: (old) => ({ ...old, ...next }), replace: true });
  const noteChange = (back: Undo): void => {
    void list.refetch();
    setUndo({
      ...back,
      run: async () => {
        await back.run();
        await list.refetch();
      },
    });
  };
  const cursor = search.rule ?? null;
  const may = write.allowed && !isOfFile;
  useShortcuts([
    { keys: 'j', about: 'Next policy', run: () => change({ rule: moved(shown, idOf, cursor, 1) ?? undefined }) },
    { keys: 'k', about: 'Previous policy', run: () => change({ rule: moved(shown, idOf, cursor, -1) ?? undefined }) },
    { keys: 'n', about: 'New policy', run: () => may && setCreating(true) },
    { keys: 'Escape', about: 'Close the side panel', run: () => change({ rule: undefined }) },
  ]);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-wrap items-end justify-between gap-3 px-3 pt-3 pb-2 sm:px-4">
        <h1 className="text-title font-semibold">Policies</h1>
        <Button
          look="primary"
          disabled={!may}
          title={isOfFile ? 'The rules are in gateway.yaml; while it has any, only those apply.' : write.allowed ? 'n' : write.reason}
          onClick={() => setCreating(true)}
        >
          <Plus size={14} aria-hidden="true" /> Create a policy
        </Button>
        <div role="search" className="flex w-full flex-wrap gap-2">
          <div className="min-w-40 flex-1">
            <Field
              label="Find"
              placeholder="Name, subject or target"
              value={search.find ?? ''}
              maxLength={100}
              onChange={(event) => change({ find: event.target.value === '' ? undefined : event.target.value })}
            />
          </div>
          <Choice
            label="Effect"
            value={search.effect ?? ''}
            choices={[
              ['', 'any'],
              ['deny', 'deny'],
              ['hold', 'hold'],
              ['allow', 'allow'],
            ]}
            onChange={(event) => change({ effect: event.target.value === '' ? undefined : (event.target.value as 'deny') })}
          />
        </div>
      </div>
      <Switches />
      {undo !== null && <UndoBar key={undo.said} undo={undo} onClose={() => setUndo(null)} />}
      <div className="flex min-h-0 flex-1 border-t border-hairline">
        <Loaded query={list} what="The list of policies" rows={8} columns={columns}>
          {() =>
            shown.length === 0 ? (
              <Empty title={all.length === 0 ? 'No policies: every call is refused' : 'No policies match'}>
                {all.length === 0 ? (
                  <>
                    What no policy allows is refused. To let everyone with a key use every server:
                    <Command text="npx --no gateway policies set members-may-call --effect allow --to members" />
                  </>
                ) : (
                  <Button onClick={() => change({ find: undefined, effect: undefined })}>Show all policies</Button>
                )}
              </Empty>
            ) : (
              <DataTable
                label="Policies, in order of precedence"
                columns={columns}
                shown={columns.map(({ id }) => id)}
                rows={rows}
                idOf={idOf}
                cursor={cursor}
                onOpen={(row) => 'name' in row && change({ rule: row.name })}
                rowClass={(row) => ('name' in row ? (row.served ? '' : 'text-ink-3') : 'cursor-default bg-canvas text-ink-2')}
                footer={`${pluralText(shown.length, 'policy', 'policies')} · deny wins over hold, hold over allow${isOfFile ? ' · those of gateway.yaml apply, those of the registry are inactive' : ''}`}
              />
            )
          }
        </Loaded>
        {open !== undefined && <PolicyPanel key={open.name} policy={open} onClose={() => change({ rule: undefined })} onChanged={noteChange} />}
      </div>
      {creating && (
        <EditPolicy
          policy={null}
          onClose={() => setCreating(false)}
          onSaved={(name, back) => {
            setCreating(false);
            noteChange(back);
            change({ rule: name, find: undefined, effect: undefined });
          }}
        />
      )}
    </div>
  );
}

function textOf(rule: Policy): string {
  return `${rule.name} ${rule.to.join(' ')} ${aboutText(rule)} ${rule.reason ?? ''} ${rule.when ?? ''}`.toLowerCase();
}

const columns: readonly Column<Row>[] = [
  { id: 'effect', title: 'Effect', rank: 3, track: '76px', cell: (row) => <EffectWord effect={'name' in row ? row.effect : 'deny'} /> },
  {
    id: 'name',
    title: 'Name',
    rank: 3,
    track: 'minmax(190px, 2fr)',
    cell: ofRule(({ name }) => <span className="font-medium">{name}</span>, <span>what no rule allows</span>),
  },
  { id: 'to', title: 'To', rank: 2, track: 'minmax(100px, 1fr)', cell: ofRule(({ to }) => <span title={to.join(', ')}>{to.join(', ')}</span>, 'everyone') },
  {
    id: 'about',
    title: 'Target',
    rank: 2,
    track: 'minmax(140px, 2fr)',
    cell: ofRule((rule) => <span title={aboutText(rule)}>{aboutText(rule)}</span>, 'every server'),
  },
  {
    id: 'when',
    title: 'When',
    track: 'minmax(80px, 1.2fr)',
    cell: ofRule(
      ({ when }) =>
        when === null ? (
          <span className="text-ink-3">always</span>
        ) : (
          <code className="font-mono text-meta" title={when}>
            {when}
          </code>
        ),
      'no rule applies',
    ),
  },
  {
    id: 'until',
    title: 'Until',
    track: '148px',
    cell: ofRule(({ until }) => (until === null ? nothing : <Clock time={until} />), nothing),
  },
  {
    id: 'calls',
    title: '24 h',
    rank: 1,
    track: '56px',
    isNumber: true,
    cell: ofRule(({ usage }) => (usage === null ? nothing : <Calls count={usage.calls} />), nothing),
  },
  {
    id: 'last',
    title: 'Last',
    track: '84px',
    cell: ofRule(({ usage }) => (typeof usage?.last_time === 'string' ? <Ago time={usage.last_time} /> : nothing), nothing),
  },
  {
    id: 'source',
    title: 'Defined in',
    track: '120px',
    cell: ofRule((rule) => <span title={rule.file ?? undefined}>{placeOf(rule)}</span>, 'built in'),
  },
];

/** A cell of a rule, or that of the row after all rules. */
function ofRule(cell: (rule: Policy) => ReactNode, last: ReactNode): Column<Row>['cell'] {
  return (row) => ('name' in row ? cell(row) : last);
}

function Calls({ count }: { readonly count: number }): ReactElement {
  return <span className={count === 0 ? 'text-ink-3' : ''}>{shortCount(count)}</span>;
}
