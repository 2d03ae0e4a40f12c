import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { pluralText } from '../../text/format.ts';
import { Clock } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Id } from '../../ui/copy.tsx';
import { Fact, factList } from '../../ui/fact.tsx';
import { Choice } from '../../ui/field.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { PanelBody, SidePanel } from '../../ui/side-panel.tsx';
import { KeyState, ownerText, scopeText } from './key-words.tsx';
import { RevealKey } from './reveal-key.tsx';
import { Loaded } from '../../ui/loaded.tsx';

const hourMs = 3_600_000;
/** In seconds. */
const graces: readonly (readonly [string, string])[] = [
  ['86400', 'stays valid for 24 hours'],
  ['21600', 'stays valid for 6 hours'],
  ['3600', 'stays valid for an hour'],
  ['900', 'stays valid for 15 minutes'],
  ['0', 'is refused at once'],
];

/** One key beside the list: what it is, and what can be done with it. */
export function KeyPanel({
  keyId,
  onClose,
  onChanged,
}: {
  readonly keyId: string;
  readonly onClose: () => void;
  readonly onChanged: () => void;
}): ReactElement {
  const write = useCapability('keys.write');
  const mayTraces = useCapability('traces.read').allowed;
  const mayMetrics = useCapability('metrics.read').allowed;
  const mayExplain = useCapability('policies.read').allowed;
  const now = useNow(60_000);
  const [revoking, setRevoking] = useState(false);
  const found = useQuery({ queryKey: ['key', keyId], queryFn: async ({ signal }) => (await gateway.keys.get(keyId, { signal })).key });
  // Whom a revocation would hurt.
  const recent = useQuery({
    queryKey: ['key', keyId, 'recent'],
    queryFn: async ({ signal }) => {
      const start = new Date(Date.now() - hourMs).toISOString();
      return (await gateway.metrics.calls({ query: `key:${keyId}`, start_time: start, limit: 1 }, { signal })).metrics.calls;
    },
    enabled: revoking && mayMetrics,
    gcTime: 0,
    // The ledger has a call a moment after it ended.
    refetchInterval: 5_000,
  });
  const changed = (): void => {
    onChanged();
    void found.refetch();
  };
  const [grace, setGrace] = useState('86400');
  const rotate = useMutation({ mutationFn: () => gateway.keys.rotate(keyId, { graceSeconds: Number(grace) }), onSuccess: changed });
  if (rotate.data !== undefined) return <RevealKey made={rotate.data.key} onClose={() => rotate.reset()} />;
  return (
    <SidePanel name="The key">
      <Loaded query={found} what="The key" rows={6}>
        {(data) => (
          <PanelBody title={data.name} onClose={onClose}>
            <dl className={factList}>
              <Fact name="State">
                <KeyState keyOf={data} now={now} />
              </Fact>
              <Fact name="Prefix">
                <code className="font-mono text-meta">{data.prefix}…</code>
              </Fact>
              <Fact name="Owner">{ownerText(data) || 'none'}</Fact>
              <Fact name="Reaches">
                {scopeText(data)}{' '}
                {mayExplain && (
                  <Link to="/access" search={{ as: keyId }} className="text-accent underline">
                    check access
                  </Link>
                )}
              </Fact>
              <Fact name="Created">
                <Clock time={data.created_at} />
              </Fact>
              {data.expires_at !== null && (
                <Fact name="Expires">
                  <Clock time={data.expires_at} />
                </Fact>
              )}
              {data.previous_prefix !== null && data.previous_valid_until !== null && (
                <Fact name="Old secret">
                  <code className="font-mono text-meta">{data.previous_prefix}…</code> until <Clock time={data.previous_valid_until} />
                </Fact>
              )}
              <Fact name="Last used">{data.last_used === null ? 'never' : <LastUse keyId={keyId} time={data.last_used} mayTraces={mayTraces} />}</Fact>
              {data.usage !== null && (
                <Fact name="Calls">
                  {mayTraces ? (
                    <Link to="/traces" search={{ q: `key:${keyId}` }} className="text-accent hover:underline">
                      {pluralText(data.usage.calls, 'call')}
                    </Link>
                  ) : (
                    pluralText(data.usage.calls, 'call')
                  )}
                </Fact>
              )}
              <Fact name="ID">
                <Id id={keyId} />
              </Fact>
            </dl>
            {data.status === 'active' && (
              <div className="flex flex-col gap-2">
                <div className="flex gap-2">
                  <Button disabled={!write.allowed || rotate.isPending} title={write.allowed ? undefined : write.reason} onClick={() => rotate.mutate()}>
                    Rotate the secret
                  </Button>
                  <Button look="danger" disabled={!write.allowed} title={write.allowed ? undefined : write.reason} onClick={() => setRevoking(true)}>
                    Revoke the key
                  </Button>
                </div>
                {write.allowed && (
                  <Choice label="After rotation the old secret" value={grace} choices={graces} onChange={(event) => setGrace(event.target.value)} />
                )}
                <FaultLine error={rotate.error} />
              </div>
            )}
            {revoking && (
              <Confirm
                title={`Revoke ${data.name}?`}
                verb="Revoke the key"
                onClose={() => setRevoking(false)}
                onConfirm={async () => {
                  await gateway.keys.revoke(keyId);
                  changed();
                }}
              >
                {recent.data === undefined
                  ? 'Whoever uses it is refused from now on, and its live calls end.'
                  : recent.data === 0
                    ? 'Nobody has used it in the last hour.'
                    : `${pluralText(recent.data, 'call')} in the last hour ${recent.data === 1 ? 'uses' : 'use'} it: such calls are refused from now on, and live ones end.`}{' '}
                This cannot be undone.
              </Confirm>
            )}
          </PanelBody>
        )}
      </Loaded>
    </SidePanel>
  );
}

interface LastUseProps {
  readonly keyId: string;
  readonly time: string;
  readonly mayTraces: boolean;
}

/** When, and by which client, as far as its trace is kept. */
function LastUse({ keyId, time, mayTraces }: LastUseProps): ReactElement {
  const { data: trace } = useQuery({
    queryKey: ['key', keyId, 'last use', time],
    queryFn: async ({ signal }) => {
      const at = Date.parse(time);
      // A trace begins before its last call.
      const times = { start_time: new Date(at - hourMs).toISOString(), end_time: new Date(at + 1_000).toISOString() };
      return (await gateway.traces.list({ key_id: keyId, ...times, limit: 1 }, { signal }).page()).traces[0] ?? null;
    },
    enabled: mayTraces,
  });
  return (
    <>
      <Clock time={time} />
      {trace && (
        <>
          {trace.client_name !== null && ` by ${trace.client_name}`},{' '}
          <Link to="/traces/$traceId" params={{ traceId: trace.id }} className="text-accent hover:underline">
            open it
          </Link>
        </>
      )}
    </>
  );
}
