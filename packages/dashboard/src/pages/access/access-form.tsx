import { useQuery } from '@tanstack/react-query';
import { useId, useState, type FormEvent, type ReactElement } from 'react';
import { useCapability } from '../../app/session.ts';
import { Button } from '../../ui/button.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import { serversQuery } from '../servers/use-servers.ts';
import { callersQuery, namesOnServerQuery } from './suggestions.ts';

export interface Asked {
  readonly as: string | undefined;
  readonly server: string | undefined;
  readonly kind: 'tool' | 'resource' | 'prompt' | undefined;
  readonly name: string | undefined;
  readonly arguments: string | undefined;
  readonly ip: string | undefined;
}

const kinds = [
  ['tool', 'tool'],
  ['resource', 'resource'],
  ['prompt', 'prompt'],
] as const;

/** The question. Who and what are completed from what there is. */
export function AccessForm({ search, onAsk }: { readonly search: Partial<Asked>; readonly onAsk: (asked: Asked) => void }): ReactElement {
  const id = useId();
  const [draft, setDraft] = useState({
    as: search.as ?? '',
    server: search.server ?? '',
    kind: search.kind ?? 'tool',
    name: search.name ?? '',
    arguments: search.arguments ?? '',
    ip: search.ip ?? '',
  });
  const [more, setMore] = useState(search.arguments !== undefined || search.ip !== undefined);
  const [problem, setProblem] = useState<string | null>(null);
  const mayServers = useCapability('servers.read').allowed;
  const servers = useQuery({ ...serversQuery, enabled: mayServers });
  const mayPeople = useCapability('people.read').allowed;
  const mayKeys = useCapability('keys.read').allowed;
  const callers = useQuery(callersQuery(draft.as, { mayPeople, mayKeys }));
  const mayTraces = useCapability('traces.read').allowed;
  const names = useQuery({ ...namesOnServerQuery(draft.server), enabled: mayTraces && draft.kind === 'tool' && draft.server !== '' });
  const set = (change: Partial<typeof draft>): void => setDraft((old) => ({ ...old, ...change }));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const trouble = problemOf(draft.arguments);
    setProblem(trouble);
    if (trouble !== null) return;
    const said = (text: string): string | undefined => (text.trim() === '' ? undefined : text.trim());
    onAsk({
      as: said(draft.as),
      server: said(draft.server),
      kind: draft.kind === 'tool' ? undefined : draft.kind,
      name: said(draft.name),
      arguments: more ? said(draft.arguments) : undefined,
      ip: more ? said(draft.ip) : undefined,
    });
  };
  const known = (servers.data ?? []).map(({ name }) => name);
  return (
    <form onSubmit={submit} className="flex flex-col gap-2">
      <div className="grid items-start gap-2 sm:grid-cols-2 lg:grid-cols-[2fr_1fr_112px_2fr_auto]">
        <Field
          label="Who"
          placeholder="A user, service account, agent or key"
          hint="A name, e-mail address or id."
          value={draft.as}
          list={`${id}-callers`}
          maxLength={320}
          required
          onChange={(event) => set({ as: event.target.value })}
        />
        <datalist id={`${id}-callers`}>
          {(callers.data ?? []).map(({ value, about }) => (
            <option key={value} value={value}>
              {about}
            </option>
          ))}
        </datalist>
        {mayServers && (servers.data === undefined || known.length > 0) ? (
          <Choice
            label="Server"
            value={draft.server}
            required
            choices={[
              ['', 'choose a server'],
              ...(draft.server === '' || known.includes(draft.server) ? [] : ([[draft.server, draft.server]] as const)),
              ...known.map((name): readonly [string, string] => [name, name]),
            ]}
            onChange={(event) => set({ server: event.target.value })}
          />
        ) : (
          <Field label="Server" value={draft.server} maxLength={63} required onChange={(event) => set({ server: event.target.value })} />
        )}
        <Choice label="What" value={draft.kind} choices={kinds} onChange={(event) => set({ kind: event.target.value as 'tool' })} />
        <Field
          label={draft.kind === 'resource' ? 'URI' : 'Name'}
          value={draft.name}
          list={`${id}-names`}
          maxLength={1024}
          required
          onChange={(event) => set({ name: event.target.value })}
        />
        <datalist id={`${id}-names`}>
          {(names.data ?? []).map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </datalist>
        <Button look="primary" type="submit" className="lg:mt-6">
          Check
        </Button>
      </div>
      {more ? (
        <div className="grid items-start gap-2 sm:grid-cols-[3fr_1fr]">
          <Field
            label="Arguments"
            placeholder='{"amount": 250}'
            hint="JSON, for rules with conditions on arguments. It becomes part of the address of this page."
            problem={problem}
            value={draft.arguments}
            maxLength={4000}
            onChange={(event) => set({ arguments: event.target.value })}
          />
          <Field label="Client address" placeholder="203.0.113.9" value={draft.ip} maxLength={45} onChange={(event) => set({ ip: event.target.value })} />
        </div>
      ) : (
        <div>
          <Button look="quiet" className="-ml-3" onClick={() => setMore(true)}>
            Add arguments or a client address
          </Button>
        </div>
      )}
    </form>
  );
}

function problemOf(text: string): string | null {
  if (text.trim() === '') return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? null : 'Arguments must be an object: { "name": value }.';
  } catch (error) {
    return `Not valid JSON: ${error instanceof Error ? error.message : 'it ends too early'}`;
  }
}
