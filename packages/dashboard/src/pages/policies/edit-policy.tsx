/** A rule is written, tried on the calls of the last days, and then made. */
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState, type FormEvent, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useNow } from '../../time/use-now.ts';
import { ChangedMeanwhile, useVersioned } from '../../ui/changed-meanwhile.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Field } from '../../ui/field.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { SheetActions } from '../../ui/sheet-actions.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import type { Undo } from '../../ui/undo-bar.tsx';
import { DryRunResult } from './dry-run.tsx';
import { changeOf, changeOfText, emptyForm, fitsForm, formOf, textOf, textProblem, writtenOf, type Policy, type PolicyChange } from './policy-text.ts';
import { readPolicy } from './read-policy.ts';
import { ConditionFault, isOfCondition, ruleTitles, RuleForm, RuleText } from './rule-form.tsx';

const days = 7;

interface EditPolicyProps {
  /** Null: a new one. */
  readonly policy: Policy | null;
  readonly onClose: () => void;
  readonly onSaved: (name: string, undo: Undo) => void;
}

export function EditPolicy({ policy, onClose, onSaved }: EditPolicyProps): ReactElement {
  const [opened] = useState(() => (policy === null ? changeOf(emptyForm) : writtenOf(policy)));
  /** What it takes the place of; null: nothing. */
  const [replaced, setReplaced] = useState(() => (policy === null ? null : opened));
  const [form, setForm] = useState(() => formOf(policy?.name ?? '', opened));
  /** Null: the form is what is written. */
  const [text, setText] = useState(() => (fitsForm(opened) ? null : textOf(opened)));
  const now = useNow(60_000);
  const { name } = form;
  const asked = JSON.stringify([text, form]);
  const problem = text === null ? null : textProblem(text);
  const written = (): PolicyChange => (text === null ? changeOf(form) : changeOfText(text));
  const versioned = useVersioned({ version: policy?.version ?? 0, fields: opened }, () => readPolicy(name));
  const put = (dryRun: boolean) => versioned.send((version) => gateway.policies.set(name, written(), { ifMatch: `"${version}"`, dryRun }));
  // First whether it could be made at all, by which a condition is read; then what it would have done.
  const trial = useMutation({
    mutationFn: async (tried: string) => {
      await put(true);
      return { tried, found: (await gateway.access.dryRun({ put: [{ name, ...written() }], days })).dry_run };
    },
  });
  const saved = useMutation({
    mutationFn: () => put(false),
    onSuccess: ({ policy: { version } }) => {
      const options = { ifMatch: `"${version ?? 0}"` };
      onSaved(
        name,
        replaced === null
          ? { said: `The policy ${name} was created.`, run: () => gateway.policies.delete(name, options) }
          : { said: `The policy ${name} was changed.`, run: () => gateway.policies.set(name, replaced, options) },
      );
    },
  });
  const isTried = trial.data?.tried === asked && versioned.meeting === null;
  const end = useRef<HTMLDivElement>(null);
  // What came of the trial, and what is done next, stand below a long form.
  useEffect(() => {
    if (isTried) end.current?.scrollIntoView({ block: 'nearest' });
  }, [isTried]);
  const error = versioned.meeting === null ? (saved.error ?? trial.error) : null;
  const show = (change: PolicyChange, asText: boolean): void => {
    setForm(formOf(name, change));
    setText(asText || !fitsForm(change) ? textOf(change) : null);
    trial.reset();
    saved.reset();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isTried) saved.mutate();
    else trial.mutate(asked);
  };
  return (
    <Sheet title={policy === null ? 'Create a policy' : `Change ${policy.name}`} onClose={onClose} wide>
      <form onSubmit={submit} className="flex flex-col gap-3 p-4">
        <Field
          label="Name"
          hint="Lower-case letters, digits, - and _. Shown when it refuses a call."
          required
          pattern="[a-z0-9][a-z0-9_\-]{0,62}"
          disabled={policy !== null}
          value={name}
          onChange={(event) => setForm({ ...form, name: event.target.value })}
        />
        <Tabs
          label="Edit as"
          tabs={[
            ['form', 'Form'],
            ['text', 'Text'],
          ]}
          chosen={text === null ? 'form' : 'text'}
          onChoose={(chosen) => {
            // What cannot be read, or does not fit the form, stays as text, which says so.
            if (problem === null) show(written(), chosen === 'text');
          }}
        />
        {text === null ? (
          <RuleForm form={form} onChange={setForm} problem={isOfCondition(error) ? <ConditionFault error={error} when={form.when} /> : null} />
        ) : (
          <RuleText text={text} onChange={setText} problem={problem} />
        )}
        <ChangedMeanwhile
          versioned={versioned}
          mine={problem === null ? written() : opened}
          titles={ruleTitles}
          onTake={(change) => {
            setReplaced(versioned.meeting?.theirs?.fields ?? null);
            show(change, text !== null);
          }}
          canMakeAnew
        />
        {(text !== null || !isOfCondition(error)) && <FaultLine error={error} />}
        <div ref={end} className="flex scroll-mb-4 flex-col gap-3">
          {isTried && trial.data !== undefined && <DryRunResult found={trial.data.found} days={days} now={now} />}
          <SheetActions
            verb={isTried ? (policy === null ? 'Create the policy' : 'Change the policy') : trial.isPending ? 'Trying…' : 'Try it'}
            disabled={trial.isPending || saved.isPending || problem !== null || versioned.meeting !== null}
            onClose={onClose}
          >
            {!isTried && <>It is tried on the calls of the last {days} days first. Nothing changes yet.</>}
          </SheetActions>
        </div>
      </form>
    </Sheet>
  );
}
