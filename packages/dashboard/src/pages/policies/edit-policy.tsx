/** A rule is written, tried on the calls of the last days, and then made. */
import { useMutation } from '@tanstack/react-query';
import { useId, useState, type FormEvent, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { DryRunResult } from './dry-run.tsx';
import { changeOf, emptyForm, formOf, type Policy, type PolicyForm } from './policy-text.ts';

const days = 7;

interface EditPolicyProps {
  /** Null: a new one. */
  readonly policy: Policy | null;
  readonly onClose: () => void;
  readonly onSaved: (name: string) => void;
}

export function EditPolicy({ policy, onClose, onSaved }: EditPolicyProps): ReactElement {
  const [form, setForm] = useState<PolicyForm>(policy === null ? emptyForm : formOf(policy));
  const condition = useId();
  const now = useNow(60_000);
  const text = JSON.stringify(form);
  // The version that was opened: what somebody else writes meanwhile is not overwritten, however often the list is asked for anew.
  const [ifMatch] = useState(`"${policy?.version ?? 0}"`);
  // First whether it could be made at all, by which a condition is read; then what it would have done.
  const trial = useMutation({
    mutationFn: async (asked: string) => {
      const body = changeOf(form);
      await gateway.policies.set(form.name, body, { ifMatch, dryRun: true });
      return { asked, found: (await gateway.access.dryRun({ put: [{ name: form.name, ...body }], days })).dry_run };
    },
  });
  const saved = useMutation({
    mutationFn: () => gateway.policies.set(form.name, changeOf(form), { ifMatch }),
    onSuccess: () => onSaved(form.name),
  });
  const isTried = trial.data?.asked === text;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isTried) saved.mutate();
    else trial.mutate(text);
  };
  const line = (name: keyof PolicyForm) => ({
    value: form[name],
    onChange: (event: { readonly target: { readonly value: string } }) => setForm({ ...form, [name]: event.target.value }),
  });
  return (
    <Sheet title={policy === null ? 'Create a policy' : `Change ${policy.name}`} onClose={onClose} wide>
      <form onSubmit={submit} className="flex flex-col gap-3 p-4">
        <div className="grid gap-3 sm:grid-cols-2">
          <Field
            label="Name"
            hint="Small letters, digits, - and _; refusals name it."
            required
            pattern="[a-z0-9][a-z0-9_\-]{0,62}"
            disabled={policy !== null}
            {...line('name')}
          />
          <Choice
            label="Does"
            choices={[
              ['deny', 'deny: wins over every other rule'],
              ['hold', 'hold: until somebody approves; wins over allow'],
              ['allow', 'allow: what no rule allows is refused'],
            ]}
            {...line('effect')}
          />
          <Field label="To" hint="everyone, members, team:payments, user:…, agent:ci-*, key:…; several with commas" maxLength={2000} {...line('to')} />
          <Field label="Servers" hint="Names; * stands for any text" maxLength={2000} {...line('servers')} />
          <Field label="Tools" hint="delete_*; empty: all of a server" maxLength={2000} {...line('tools')} />
          <Field label="Resources" hint="URIs: file:///home/*" maxLength={2000} {...line('resources')} />
          <Field label="Prompts" hint="Names" maxLength={2000} {...line('prompts')} />
          <Field label="Operations" hint="tools.call, resources.*; empty: all" maxLength={500} {...line('actions')} />
        </div>
        <div className="flex flex-col gap-1">
          <label htmlFor={condition} className="text-meta text-ink-2">
            When
          </label>
          <textarea
            id={condition}
            rows={2}
            maxLength={2000}
            spellCheck={false}
            placeholder='args.amount > 100 && principal.team != "platform"'
            className="w-full rounded-control border border-control bg-canvas px-2 py-1.5 font-mono text-meta text-ink placeholder:text-ink-3"
            {...line('when')}
          />
          <p className="text-meta text-ink-3">A condition in CEL over principal, server, action, name, args, tool, ip and now; empty: always.</p>
        </div>
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label="Reason" hint="Said to whom it refuses." maxLength={500} {...line('reason')} />
          <Field label="Until" hint="Empty: it does not end." type="datetime-local" {...line('until')} />
        </div>
        <FaultLine error={saved.error ?? trial.error} />
        {isTried && trial.data !== undefined && <DryRunResult found={trial.data.found} days={days} now={now} />}
        <div className="flex items-center justify-end gap-2">
          {!isTried && <p className="mr-auto text-meta text-ink-3">First it is tried on the calls of the last {days} days; nothing changes by that.</p>}
          <Button look="quiet" onClick={onClose}>
            Keep it as it is
          </Button>
          <Button look="primary" type="submit" disabled={trial.isPending || saved.isPending}>
            {isTried ? (policy === null ? 'Create the policy' : 'Change the policy') : trial.isPending ? 'Trying …' : 'Try it'}
          </Button>
        </div>
      </form>
    </Sheet>
  );
}
