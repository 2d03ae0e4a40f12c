/** A rule as it is written: in fields, or as the text that the API takes. */
import { FaultError } from '@gatewayops/sdk';
import type { ReactElement, ReactNode } from 'react';
import { Area, Choice, Field } from '../../ui/field.tsx';
import { MarkedText } from '../../ui/marked-text.tsx';
import { type PolicyChange, type PolicyForm } from './policy-text.ts';

export const ruleTitles: Readonly<Record<keyof PolicyChange, string>> = {
  effect: 'Effect',
  to: 'To',
  servers: 'Servers',
  tools: 'Tools',
  resources: 'Resources',
  prompts: 'Prompts',
  actions: 'Operations',
  when: 'When',
  reason: 'Reason',
  until: 'Until',
};

interface RuleFormProps {
  readonly form: PolicyForm;
  readonly onChange: (form: PolicyForm) => void;
  /** What is wrong with the condition. */
  readonly problem: ReactNode;
}

export function RuleForm({ form, onChange, problem }: RuleFormProps): ReactElement {
  const line = (name: keyof PolicyForm) => ({
    value: form[name],
    onChange: (event: { readonly target: { readonly value: string } }) => onChange({ ...form, [name]: event.target.value }),
  });
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-2">
        <Choice
          label="Effect"
          choices={[
            ['deny', 'deny: wins over every other rule'],
            ['hold', 'hold: needs approval; wins over allow'],
            ['allow', 'allow: what no rule allows is refused'],
          ]}
          {...line('effect')}
        />
        <Field label="To" hint="everyone, members, team:payments, user:…, agent:ci-*, key:…; separate with commas" maxLength={2000} {...line('to')} />
        <Field label="Servers" hint="Names; * stands for any text" maxLength={2000} {...line('servers')} />
        <Field label="Tools" hint="For example delete_*. Empty: every tool." maxLength={2000} {...line('tools')} />
        <Field label="Resources" hint="URIs, for example file:///home/*" maxLength={2000} {...line('resources')} />
        <Field label="Prompts" hint="Names" maxLength={2000} {...line('prompts')} />
        <Field label="Operations" hint="For example tools.call, resources.*. Empty: all." maxLength={500} {...line('actions')} />
      </div>
      <Area
        label="When"
        hint="A condition in CEL over principal, server, action, name, args, tool, ip and now; empty: always."
        problem={problem}
        rows={2}
        maxLength={2000}
        placeholder='args.amount > 100 && principal.team != "platform"'
        {...line('when')}
      />
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="Reason" hint="Shown to callers it refuses." maxLength={500} {...line('reason')} />
        <Field label="Until" hint="Leave empty for no expiry." type="datetime-local" {...line('until')} />
      </div>
    </>
  );
}

interface RuleTextProps {
  readonly text: string;
  readonly onChange: (text: string) => void;
  readonly problem: string | null;
}

export function RuleText({ text, onChange, problem }: RuleTextProps): ReactElement {
  return (
    <Area
      label="The rule as JSON"
      hint="As under `policies` in gateway.yaml and in the API. Patterns with a comma can only be written here."
      problem={problem}
      rows={14}
      maxLength={65_536}
      value={text}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

interface Place {
  readonly column: number;
  readonly length: number;
}

/** Whether a refusal is about the condition of the rule. */
export function isOfCondition(error: unknown): error is FaultError {
  return error instanceof FaultError && error.details['field'] === 'when';
}

/** At which of its characters. */
export function ConditionFault({ error, when }: { readonly error: FaultError; readonly when: string }): ReactElement {
  const place = placeOf(error);
  return (
    <div role="alert" className="text-meta">
      {place !== null && <MarkedText text={when.trim()} {...place} />}
      <p className="text-error">
        {place !== null && `Column ${place.column}: `}
        {error.message}
      </p>
    </div>
  );
}

function placeOf({ details }: FaultError): Place | null {
  const { column, length } = details;
  return typeof column === 'number' && typeof length === 'number' ? { column, length } : null;
}
