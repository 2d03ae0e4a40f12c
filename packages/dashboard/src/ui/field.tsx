import { useId, type InputHTMLAttributes, type ReactElement, type SelectHTMLAttributes, type TextareaHTMLAttributes } from 'react';

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

interface AreaProps extends TextareaHTMLAttributes<HTMLTextAreaElement> {
  readonly label: string;
  readonly hint?: string;
  readonly problem?: string | null;
}

/** The same for more than one line, in the letters of code. */
export function Area({ label, hint, problem = null, ...area }: AreaProps): ReactElement {
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-meta text-ink-2">
        {label}
      </label>
      <textarea
        id={id}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={problem !== null}
        aria-describedby={`${id}-hint`}
        className="w-full rounded-control border border-control bg-canvas px-2 py-1.5 font-mono text-meta text-ink placeholder:text-ink-3 disabled:opacity-60"
        {...area}
      />
      <p id={`${id}-hint`} className={`text-meta ${problem === null ? 'text-ink-3' : 'text-error'}`}>
        {problem ?? hint}
      </p>
    </div>
  );
}

interface ChoiceProps extends SelectHTMLAttributes<HTMLSelectElement> {
  readonly label: string;
  readonly choices: readonly (readonly [string, string])[];
  readonly hint?: string;
  readonly problem?: string | null;
}

export function Choice({ label, choices, hint, problem = null, ...select }: ChoiceProps): ReactElement {
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-meta text-ink-2">
        {label}
      </label>
      <select id={id} className={shape} aria-invalid={problem !== null} aria-describedby={`${id}-hint`} {...select}>
        {choices.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      {(problem ?? hint) !== undefined && (
        <p id={`${id}-hint`} className={`text-meta ${problem === null ? 'text-ink-3' : 'text-error'}`}>
          {problem ?? hint}
        </p>
      )}
    </div>
  );
}
