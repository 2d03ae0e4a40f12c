/** What to paste into a client, with the address of this gateway and a key that is made here. */
import { useMutation } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { KeyRound } from 'lucide-react';
import type { ReactElement } from 'react';
import { gateway, gatewayUrl } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Choice } from '../../ui/field.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { Command } from '../../ui/states.tsx';
import { clients } from './snippets.ts';

const lifeMs = 90 * 86_400_000;

export function ClientSnippets({ servers }: { readonly servers: readonly Schemas['Server'][] }): ReactElement | null {
  const search = useSearch({ from: '/connect' });
  const navigate = useNavigate({ from: '/connect' });
  const mayMake = useCapability('keys.write');
  const server = servers.find(({ name }) => name === search.server) ?? servers[0];
  const client = clients.find(({ id }) => id === search.client) ?? clients[0];
  const made = useMutation({
    mutationFn: async () =>
      (await gateway.keys.create({ name: `first agent (${client?.title ?? ''})`, expires_at: new Date(Date.now() + lifeMs).toISOString() })).key,
  });
  if (server === undefined || client === undefined) return null;
  const change = (next: { server?: string; client?: string }): void => void navigate({ search: (old) => ({ ...old, ...next }), replace: true });
  const isOpen = server.auth === 'none';
  const key = isOpen ? null : (made.data?.secret ?? '$GATEWAYOPS_API_KEY');
  return (
    <div className="flex flex-col gap-3">
      {servers.length > 1 && (
        <div className="max-w-xs">
          <Choice
            label="Server"
            value={server.name}
            choices={servers.map(({ name }) => [name, name] as const)}
            onChange={(event) => change({ server: event.target.value })}
          />
        </div>
      )}
      {!isOpen && (
        <div className="flex flex-col gap-1">
          {made.data === undefined ? (
            <>
              <div className="flex flex-wrap items-center gap-3">
                <Button
                  look="primary"
                  disabled={!mayMake.allowed || made.isPending}
                  title={mayMake.allowed ? undefined : mayMake.reason}
                  onClick={() => made.mutate()}
                >
                  <KeyRound size={14} aria-hidden="true" /> Create a key for it
                </Button>
                <span className="text-ink-2">{mayMake.allowed ? 'Valid for 90 days. It can call tools but cannot administer anything.' : mayMake.reason}</span>
              </div>
              <FaultLine error={made.error} />
            </>
          ) : (
            <p role="status" className="text-ink-2">
              The snippet below contains the key. Copy it now: it cannot be shown again after you leave this page. In Keys it is listed as{' '}
              <code className="font-mono text-meta">{made.data.prefix}…</code> in Keys.
            </p>
          )}
        </div>
      )}
      <Tabs label="Client" tabs={clients.map(({ id, title }) => [id, title] as const)} chosen={client.id} onChoose={(id) => change({ client: id })} />
      <div role="tabpanel" aria-label={client.title} data-secret={made.data === undefined ? undefined : ''}>
        <p className="text-ink-2">{client.place}</p>
        <Command text={client.text({ gatewayUrl, path: server.path, name: server.name, key })} />
      </div>
    </div>
  );
}
