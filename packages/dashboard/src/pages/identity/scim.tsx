import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import { Plus } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { countText } from '../../text/format.ts';
import { Clock } from '../../time/time.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { CopyButton } from '../../ui/copy.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Field } from '../../ui/field.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { SheetActions } from '../../ui/sheet-actions.tsx';
import { ShownOnce, useKeptGuard } from '../../ui/shown-once.tsx';
import { Command } from '../../ui/states.tsx';
import { ScimErrors } from './scim-errors.tsx';
import { SmallTable } from '../../ui/small-table.tsx';
import { Loaded } from '../../ui/loaded.tsx';

type Connection = Schemas['ScimConnection'];
type Token = Schemas['ScimToken'];

interface ScimProps {
  /** Providers that could send. */
  readonly names: readonly string[];
  /** Whose refusals are shown. */
  readonly shownErrors: string | undefined;
  readonly onErrors: (provider: string | undefined) => void;
}

/** Which providers send users and groups, by which tokens, and what of it was refused. */
export function Scim({ names, shownErrors, onErrors }: ScimProps): ReactElement {
  const queries = useQueryClient();
  const write = useCapability('identity.write');
  const [making, setMaking] = useState(false);
  const [stopping, setStopping] = useState<Connection | null>(null);
  const found = useQuery({ queryKey: ['identity', 'scim'], queryFn: ({ signal }) => gateway.identity.scim.list({ signal }), refetchInterval: 15_000 });
  const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ['identity', 'scim'] });
  const rotate = useMutation({ mutationFn: (provider: string) => gateway.identity.scim.rotate(provider), onSuccess: refresh });
  const why = write.allowed ? undefined : write.reason;
  return (
    <section aria-label="SCIM">
      <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
        <h2 className="text-section font-semibold">SCIM provisioning</h2>
        <Button disabled={!write.allowed} title={why} onClick={() => setMaking(true)}>
          <Plus size={14} aria-hidden="true" /> Connect a provider
        </Button>
      </div>
      <FaultLine error={rotate.error} />
      <Loaded query={found} what="SCIM" rows={2}>
        {(data) =>
          data.connections.length === 0 ? (
            <p className="max-w-[72ch] text-ink-2">
              No provider sends users and groups yet. With SCIM, anyone removed at the provider loses their sessions and keys here within seconds. See{' '}
              <code className="font-mono text-meta">docs/guides/scim.md</code> for the steps for each provider.
            </p>
          ) : (
            <>
              <p className="mb-2 flex flex-wrap items-center gap-1 text-ink-2">
                Base URL for providers: <code className="font-mono text-meta break-all">{data.base_url}</code>
                <CopyButton text={data.base_url} label="Copy the base URL" />
              </p>
              <SmallTable titles={['Provider', 'Token', 'Since', 'Users', 'Groups', 'Refused', 'Change']} left={3}>
                {data.connections.map((one) => (
                  <tr key={one.provider} className="h-(--row) border-t border-hairline">
                    <th scope="row" className="px-3 text-left font-medium">
                      {one.provider}
                    </th>
                    <td className="px-3">
                      {one.revoked ? (
                        <span className="text-blocked">⊘ revoked: stop it, and connect it again</span>
                      ) : (
                        <>
                          <code className="font-mono text-meta">{one.token_prefix}…</code>
                          {one.previous_token_valid_until !== null && (
                            <span className="text-ink-3">
                              {' '}
                              the one before until <Clock time={one.previous_token_valid_until} />
                            </span>
                          )}
                        </>
                      )}
                    </td>
                    <td className="px-3">
                      <Clock time={one.created_at} />
                    </td>
                    <td className="px-3 text-right">{countText(one.users)}</td>
                    <td className="px-3 text-right">{countText(one.groups)}</td>
                    <td className="px-3 text-right">
                      {one.errors === 0 ? (
                        <span className="text-ink-3">0</span>
                      ) : (
                        <button
                          type="button"
                          aria-expanded={shownErrors === one.provider}
                          onClick={() => onErrors(shownErrors === one.provider ? undefined : one.provider)}
                          className="hit text-error underline"
                        >
                          {countText(one.errors)} of {one.provider}
                        </button>
                      )}
                    </td>
                    <td className="px-3 py-1 text-right whitespace-nowrap">
                      <Button disabled={!write.allowed || one.revoked || rotate.isPending} title={why} onClick={() => rotate.mutate(one.provider)}>
                        Rotate
                      </Button>{' '}
                      <Button look="danger" disabled={!write.allowed} title={why} onClick={() => setStopping(one)}>
                        Stop
                      </Button>
                    </td>
                  </tr>
                ))}
              </SmallTable>
            </>
          )
        }
      </Loaded>
      {shownErrors !== undefined && <ScimErrors provider={shownErrors} onClose={() => onErrors(undefined)} />}
      {making && <NewConnection names={names} onClose={() => setMaking(false)} onMade={refresh} />}
      {rotate.data !== undefined && <NewToken token={rotate.data} onClose={() => rotate.reset()} />}
      {stopping !== null && (
        <Confirm
          title={`Stop provisioning by ${stopping.provider}?`}
          verb="Stop provisioning"
          onClose={() => setStopping(null)}
          onConfirm={async () => {
            await gateway.identity.scim.delete(stopping.provider);
            await refresh();
          }}
        >
          Its tokens are refused from then on: people removed at the provider keep their access here. The {countText(stopping.users)} users and{' '}
          {countText(stopping.groups)} groups that it has sent stay; a connection that is made again goes on with them.
        </Confirm>
      )}
    </section>
  );
}

function NewConnection({
  names,
  onClose,
  onMade,
}: {
  readonly names: readonly string[];
  readonly onClose: () => void;
  readonly onMade: () => Promise<void>;
}): ReactElement {
  const [provider, setProvider] = useState('');
  const create = useMutation({ mutationFn: () => gateway.identity.scim.create(provider.trim()), onSuccess: onMade });
  const guard = useKeptGuard(onClose);
  if (create.data !== undefined)
    return (
      <Sheet title={tokenTitle(create.data)} onClose={guard.close}>
        <TokenBody token={create.data} guard={guard} />
      </Sheet>
    );
  return (
    <Sheet title="Let a provider provision users and groups" onClose={onClose}>
      <form
        className="flex flex-col gap-3 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <Field
          label="Provider"
          hint="Its name under identity.providers or identity.issuers in gateway.yaml: its mapping and domains apply."
          value={provider}
          list="scim-providers"
          maxLength={63}
          required
          onChange={(event) => setProvider(event.target.value)}
        />
        <datalist id="scim-providers">
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </datalist>
        <FaultLine error={create.error} />
        <SheetActions verb="Create the token" disabled={create.isPending || provider.trim() === ''} onClose={onClose} />
      </form>
    </Sheet>
  );
}

function NewToken({ token, onClose }: { readonly token: Token; readonly onClose: () => void }): ReactElement {
  const guard = useKeptGuard(onClose);
  return (
    <Sheet title={tokenTitle(token)} onClose={guard.close}>
      <TokenBody token={token} guard={guard} />
    </Sheet>
  );
}

function tokenTitle({ provider }: Token): string {
  return `The token for ${provider}`;
}

function TokenBody({ token, guard }: { readonly token: Token; readonly guard: ReturnType<typeof useKeptGuard> }): ReactElement {
  return (
    <ShownOnce
      secret={token.token}
      copyLabel="Copy the token"
      about="Enter it at the provider now: it is shown only once, as the gateway stores only its hash."
      lost="then rotate it to get another."
      guard={guard}
    >
      {token.previous_token_valid_until !== null && (
        <p className="text-ink-2">
          The token before it stays good until <Clock time={token.previous_token_valid_until} />.
        </p>
      )}
      <p className="mt-2 text-ink-2">Base or tenant URL:</p>
      <Command text={token.base_url} />
    </ShownOnce>
  );
}
