import { useId, type InputHTMLAttributes, type ReactElement, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from 'react';

const shape =
  'h-8 w-full rounded-control border border-control bg-canvas px-2 text-table text-ink placeholder:text-ink-3 disabled:opacity-60 pointer-coarse:h-10';

interface Said {
  readonly label: string;
  readonly hint?: string | undefined;
  /** In the place of the hint. */
  readonly problem?: ReactNode;
}

interface Bound {
  readonly id: string;
  readonly 'aria-invalid': boolean;
  readonly 'aria-describedby': string;
}

/** A control with its name, what it is for, and what is wrong with it. */
function Labelled({ label, hint, problem = null, children }: Said & { readonly children: (bound: Bound) => ReactElement }): ReactElement {
  const id = useId();
  const said = problem ?? hint;
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-meta text-ink-2">
        {label}
      </label>
      {children({ id, 'aria-invalid': problem !== null, 'aria-describedby': `${id}-hint` })}
      {said !== undefined && (
        <div id={`${id}-hint`} className={`text-meta ${problem === null ? 'text-ink-3' : 'text-error'}`}>
          {said}
        </div>
      )}
    </div>
  );
}

/** A line of text. */
export function Field({ label, hint, problem, ...input }: Said & InputHTMLAttributes<HTMLInputElement>): ReactElement {
  return (
    <Labelled label={label} hint={hint} problem={problem}>
      {(bound) => <input {...bound} autoComplete="off" className={shape} {...input} />}
    </Labelled>
  );
}

/** The same for more than one line, in the letters of code. */
export function Area({ label, hint, problem, ...area }: Said & TextareaHTMLAttributes<HTMLTextAreaElement>): ReactElement {
  return (
    <Labelled label={label} hint={hint} problem={problem}>
      {(bound) => (
        <textarea
          {...bound}
          spellCheck={false}
          autoComplete="off"
          className="w-full rounded-control border border-control bg-canvas px-2 py-1.5 font-mono text-meta text-ink placeholder:text-ink-3 disabled:opacity-60"
          {...area}
        />
      )}
    </Labelled>
  );
}

interface ChoiceProps extends Said, SelectHTMLAttributes<HTMLSelectElement> {
  readonly choices: readonly (readonly [string, string])[];
}

export function Choice({ label, choices, hint, problem, ...select }: ChoiceProps): ReactElement {
  return (
    <Labelled label={label} hint={hint} problem={problem}>
      {(bound) => (
        <select {...bound} className={shape} {...select}>
          {choices.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  );
}
