import { useId, type InputHTMLAttributes, type ReactElement, type SelectHTMLAttributes } from 'react';

const shape =
  'h-8 w-full rounded-control border border-control bg-canvas px-2 text-table text-ink placeholder:text-ink-3 disabled:opacity-60 pointer-coarse:h-10';

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly label: string;
  readonly hint?: string;
  readonly problem?: string | null;
}

/** A line of text with its name, what it is for, and what is wrong with it. */
export function Field({ label, hint, problem = null, ...input }: FieldProps): ReactElement {
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-meta text-ink-2">
        {label}
      </label>
      <input id={id} autoComplete="off" aria-invalid={problem !== null} aria-describedby={`${id}-hint`} className={shape} {...input} />
      <p id={`${id}-hint`} className={`text-meta ${problem === null ? 'text-ink-3' : 'text-error'}`}>
        {problem ?? hint}
      </p>
    </div>
  );
}

interface ChoiceProps extends SelectHTMLAttributes<HTMLSelectElement> {
  readonly label: string;
  readonly choices: readonly (readonly [string, string])[];
}

export function Choice({ label, choices, ...select }: ChoiceProps): ReactElement {
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-meta text-ink-2">
        {label}
      </label>
      <select id={id} className={shape} {...select}>
        {choices.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
