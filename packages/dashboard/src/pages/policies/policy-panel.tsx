import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Clock } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Fact, factList } from '../../ui/fact.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { PanelBody, SidePanel } from '../../ui/side-panel.tsx';
import { DryRunResult } from './dry-run.tsx';
import { EditPolicy } from './edit-policy.tsx';
import { EffectWord } from './effect-word.tsx';
import { fitsForm, type Policy } from './policy-text.ts';

const days = 7;

interface PolicyPanelProps {
  readonly policy: Policy;
  readonly onClose: () => void;
  readonly onChanged: () => void;
}

/** One rule: what it says, who wrote it, what it does, and how it is changed. */
export function PolicyPanel({ policy, onClose, onChanged }: PolicyPanelProps): ReactElement {
  const write = useCapability('policies.write');
  const audit = useCapability('audit.read').allowed;
  const now = useNow(60_000);
  const [editing, setEditing] = useState(false);
  /** The version that is looked at: what somebody else writes meanwhile is not what is deleted. */
  const [deleting, setDeleting] = useState<number | null>(null);
  const without = useMutation({ mutationFn: async () => (await gateway.access.dryRun({ remove: [policy.name], days })).dry_run });
  const isOwn = policy.source === 'registry';
  const isForm = fitsForm(policy);
  const list = (name: string, values: readonly string[] | null): ReactElement | null =>
    values === null ? null : (
      <Fact name={name}>
        <code className="font-mono text-meta break-all">{values.join(', ')}</code>
      </Fact>
    );
  return (
    <SidePanel name="The policy">
      <PanelBody title={policy.name} onClose={onClose}>
        <dl className={factList}>
          <Fact name="Does">
            <EffectWord effect={policy.effect} />
          </Fact>
          {list('To', policy.to)}
          {list('Servers', policy.servers)}
          {list('Tools', policy.tools)}
          {list('Resources', policy.resources)}
          {list('Prompts', policy.prompts)}
          {list('Operations', policy.actions)}
          {policy.when !== null && (
            <Fact name="When">
              <code className="font-mono text-meta break-words whitespace-pre-wrap">{policy.when}</code>
            </Fact>
          )}
          {policy.reason !== null && <Fact name="Reason">{policy.reason}</Fact>}
          {policy.until !== null && (
            <Fact name="Until">
              <Clock time={policy.until} />
            </Fact>
          )}
          <Fact name="Written in">{isOwn ? 'the registry' : 'gateway.yaml'}</Fact>
          {policy.changed_at !== null && (
            <Fact name="Changed">
              <Clock time={policy.changed_at} />
              {policy.changed_by !== null && <span className="text-ink-3"> by {policy.changed_by}</span>}
            </Fact>
          )}
        </dl>
        {!policy.served && <p className="text-warn">It rests: gateway.yaml has policies, and then those hold and no others.</p>}
        <p className="flex flex-wrap gap-x-4 gap-y-1">
          <Link to="/traces" search={{ q: `policy:${policy.name}` }} className="text-accent hover:underline">
            Calls that it decided
          </Link>
          {audit && (
            <Link to="/audit" search={{ object: policy.name }} className="text-accent hover:underline">
              Who changed it
            </Link>
          )}
        </p>
        {isOwn ? (
          <div className="flex flex-wrap gap-2">
            <Button disabled={!write.allowed || !isForm} title={write.allowed ? undefined : write.reason} onClick={() => setEditing(true)}>
              Change
            </Button>
            <Button
              look="danger"
              disabled={!write.allowed}
              title={write.allowed ? undefined : write.reason}
              onClick={() => {
                without.mutate();
                setDeleting(policy.version);
              }}
            >
              Delete
            </Button>
          </div>
        ) : (
          <p className="text-ink-2">It is changed in gateway.yaml, which is read again by itself.</p>
        )}
        {isOwn && !isForm && <p className="text-meta text-ink-3">One of its patterns holds a comma: change it with `gateway policies set {policy.name}`.</p>}
        {editing && (
          <EditPolicy
            policy={policy}
            onClose={() => setEditing(false)}
            onSaved={() => {
              setEditing(false);
              onChanged();
            }}
          />
        )}
        {deleting !== null && (
          <Confirm
            title={`Delete ${policy.name}?`}
            verb="Delete the policy"
            onClose={() => setDeleting(null)}
            onConfirm={async () => {
              await gateway.policies.delete(policy.name, { ifMatch: `"${deleting}"` });
              onChanged();
              onClose();
            }}
          >
            <p className="mb-2">It holds no more on this node at once, on every other within a second. The audit keeps what it said.</p>
            <FaultLine error={without.error} />
            {without.data === undefined ? (
              without.error === null && <p>The calls of the last {days} days are decided without it …</p>
            ) : (
              <DryRunResult found={without.data} days={days} now={now} />
            )}
          </Confirm>
        )}
      </PanelBody>
    </SidePanel>
  );
}
