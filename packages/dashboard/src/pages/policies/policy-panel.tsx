import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactElement, type ReactNode } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { pluralText } from '../../text/format.ts';
import { Ago, Clock } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { ChangedMeanwhile, useVersioned } from '../../ui/changed-meanwhile.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Fact, factList } from '../../ui/fact.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { PanelBody, SidePanel } from '../../ui/side-panel.tsx';
import type { Undo } from '../../ui/undo-bar.tsx';
import { Who } from '../../ui/who.tsx';
import { DecidedCalls } from './decided-calls.tsx';
import { DryRunResult } from './dry-run.tsx';
import { EditPolicy } from './edit-policy.tsx';
import { EffectWord } from './effect-word.tsx';
import { lineText, placeOf, writtenOf, type Policy } from './policy-text.ts';
import { readPolicy } from './read-policy.ts';
import { ruleTitles } from './rule-form.tsx';

const days = 7;

interface PolicyPanelProps {
  readonly policy: Policy;
  readonly onClose: () => void;
  /** With the way back. */
  readonly onChanged: (undo: Undo) => void;
}

/** One rule: what it says, who wrote it, what it does, and how it is changed. */
export function PolicyPanel({ policy, onClose, onChanged }: PolicyPanelProps): ReactElement {
  const write = useCapability('policies.write');
  const audit = useCapability('audit.read').allowed;
  const traces = useCapability('traces.read').allowed;
  const now = useNow(60_000);
  const [editing, setEditing] = useState(false);
  const [deleting, setDeleting] = useState<Policy | null>(null);
  const without = useMutation({ mutationFn: async () => (await gateway.access.dryRun({ remove: [policy.name], days })).dry_run });
  const isOwn = policy.source === 'registry';
  const whyNot = !isOwn ? `Managed by a file: defined in ${placeOf(policy)}.` : write.allowed ? null : write.reason;
  const place = placeOf(policy);
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
          <Fact name="Effect">
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
          <Fact name="Defined in">
            <span title={policy.file ?? undefined}>{place}</span>
          </Fact>
          {policy.usage !== null && (
            <Fact name="Last 24 h">
              {pluralText(policy.usage.calls, 'call')}
              {policy.usage.last_time !== null && (
                <span className="text-ink-3">
                  , most recently <Ago time={policy.usage.last_time} now={now} />
                </span>
              )}
            </Fact>
          )}
          {policy.changed_at !== null && (
            <Fact name="Changed">
              <Clock time={policy.changed_at} />
              {policy.changed_by !== null && (
                <span className="text-ink-3">
                  {' '}
                  by <Who id={policy.changed_by} name={policy.changed_by_name} />
                </span>
              )}
            </Fact>
          )}
        </dl>
        {!policy.served && <p className="text-warn">Inactive: gateway.yaml has policies, and only those apply.</p>}
        {audit && (
          <p>
            <Link to="/audit" search={{ object: policy.name }} className="text-accent hover:underline">
              History
            </Link>
          </p>
        )}
        <div className="flex flex-wrap gap-2">
          <Button disabled={whyNot !== null} title={whyNot ?? undefined} onClick={() => setEditing(true)}>
            Change
          </Button>
          <Button
            look="danger"
            disabled={whyNot !== null}
            title={whyNot ?? undefined}
            onClick={() => {
              without.mutate();
              setDeleting(policy);
            }}
          >
            Delete
          </Button>
        </div>
        {!isOwn && (
          <p className="text-ink-2">
            Managed by a file: edit{' '}
            <code className="font-mono text-meta [overflow-wrap:anywhere]">{`${policy.file ?? 'gateway.yaml'}${lineText(policy)}`}</code>; changes are picked up
            automatically.
          </p>
        )}
        {traces && <DecidedCalls name={policy.name} now={now} />}
        {editing && (
          <EditPolicy
            policy={policy}
            onClose={() => setEditing(false)}
            onSaved={(_, undo) => {
              setEditing(false);
              onChanged(undo);
            }}
          />
        )}
        {deleting !== null && (
          <DeletePolicy
            policy={deleting}
            onClose={() => setDeleting(null)}
            onDeleted={(undo) => {
              onChanged(undo);
              onClose();
            }}
          >
            <p className="mb-2">It stops applying on this node at once, on every other within a second. The audit log keeps its content.</p>
            <FaultLine error={without.error} />
            {without.data === undefined ? (
              without.error === null && <p>Trying the calls of the last {days} days without it…</p>
            ) : (
              <DryRunResult found={without.data} days={days} now={now} />
            )}
          </DeletePolicy>
        )}
      </PanelBody>
    </SidePanel>
  );
}

interface DeletePolicyProps {
  readonly policy: Policy;
  readonly onClose: () => void;
  readonly onDeleted: (undo: Undo) => void;
  readonly children: ReactNode;
}

/** Of the version that is looked at: what somebody else writes meanwhile is shown before it goes too. */
function DeletePolicy({ policy, onClose, onDeleted, children }: DeletePolicyProps): ReactElement {
  const [opened] = useState(() => writtenOf(policy));
  const versioned = useVersioned({ version: policy.version ?? 0, fields: opened }, async () => readPolicy(policy.name));
  return (
    <Confirm
      title={`Delete ${policy.name}?`}
      verb="Delete the policy"
      met={versioned.meeting !== null && <ChangedMeanwhile versioned={versioned} mine={opened} titles={ruleTitles} deleting />}
      onClose={onClose}
      onConfirm={async () => {
        // What goes is what is read here: of any other version the deletion is refused.
        const last = await versioned.send(async (version) => {
          const { fields } = await readPolicy(policy.name);
          await gateway.policies.delete(policy.name, { ifMatch: `"${version}"` });
          return fields;
        });
        onDeleted({ said: `The policy ${policy.name} was deleted.`, run: () => gateway.policies.set(policy.name, last, { ifMatch: '"0"' }) });
      }}
    >
      {children}
    </Confirm>
  );
}
