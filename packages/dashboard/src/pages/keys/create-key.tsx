import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { SheetActions } from '../../ui/sheet-actions.tsx';
import { useKeptGuard } from '../../ui/shown-once.tsx';
import { RevealedSecret, revealTitle } from './reveal-key.tsx';

const day = 86_400_000;
const lives = [
  ['90', '90 days'],
  ['30', '30 days'],
  ['7', '7 days'],
  ['365', 'one year'],
  ['', 'until it is revoked'],
] as const;

/** One sheet: whose, what it reaches, how long. Then the secret, once. */
export function CreateKey({ onClose, onCreated }: { readonly onClose: () => void; readonly onCreated: () => void }): ReactElement {
  const [name, setName] = useState('');
  const [agent, setAgent] = useState('');
  const [days, setDays] = useState('90');
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  const mayServers = useCapability('servers.read').allowed;
  const servers = useQuery({ queryKey: ['servers'], queryFn: ({ signal }) => gateway.servers.list({ limit: 200 }, { signal }).page(), enabled: mayServers });
  const create = useMutation({
    mutationFn: () =>
      gateway.keys.create({
        name: name.trim(),
        ...(days === '' ? {} : { expires_at: new Date(Date.now() + Number(days) * day).toISOString() }),
        ...(chosen === null ? {} : { scopes: { mcp_servers: [...chosen] } }),
        ...(agent.trim() === '' ? {} : { metadata: { agent: agent.trim() } }),
      }),
    onSuccess: onCreated,
  });
  const guard = useKeptGuard(onClose);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    create.mutate();
  };
  const toggle = (server: string): void => {
    const next = new Set(chosen);
    if (!next.delete(server)) next.add(server);
    setChosen(next);
  };
  // One sheet for both steps: what lies behind it stays hidden from one to the other.
  if (create.data !== undefined)
    return (
      <Sheet title={revealTitle} onClose={guard.close}>
        <RevealedSecret made={create.data.key} guard={guard} />
      </Sheet>
    );
  return (
    <Sheet title="Create a key" onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3 p-4">
        <Field
          label="Name"
          hint="What it is for; shown in lists and in the audit log."
          value={name}
          maxLength={200}
          required
          onChange={(event) => setName(event.target.value)}
        />
        <Field
          label="Agent"
          hint="Optional: its calls are counted for this agent."
          value={agent}
          maxLength={128}
          onChange={(event) => setAgent(event.target.value)}
        />
        <Choice label="Valid for" value={days} choices={lives} onChange={(event) => setDays(event.target.value)} />
        {(servers.data?.servers.length ?? 0) > 0 && (
          <fieldset className="flex flex-col gap-1">
            <legend className="mb-1 text-meta text-ink-2">Reaches</legend>
            <label className="flex min-h-6 items-center gap-2">
              <input type="radio" checked={chosen === null} onChange={() => setChosen(null)} className="accent-(--accent)" /> every server, including new ones
            </label>
            <label className="flex min-h-6 items-center gap-2">
              <input type="radio" checked={chosen !== null} onChange={() => setChosen(new Set())} className="accent-(--accent)" /> only these
            </label>
            {chosen !== null && (
              <div className="ml-6 flex max-h-40 flex-col overflow-y-auto">
                {(servers.data?.servers ?? []).map((server) => (
                  <label key={server.name} className="flex min-h-6 items-center gap-2">
                    <input type="checkbox" checked={chosen.has(server.name)} onChange={() => toggle(server.name)} className="accent-(--accent)" /> {server.name}
                  </label>
                ))}
              </div>
            )}
          </fieldset>
        )}
        <p className="text-meta text-ink-3">
          It can call tools and read what servers offer, as policies allow. It cannot administer anything. For other permissions use the command: gateway keys
          create --help.
        </p>
        <FaultLine error={create.error} />
        <SheetActions verb="Create the key" disabled={create.isPending || name.trim() === '' || chosen?.size === 0} onClose={onClose} />
      </form>
    </Sheet>
  );
}
