import type { ReactElement } from 'react';

interface MarkedTextProps {
  readonly text: string;
  /** Of the first character that is meant, from 1. */
  readonly column: number;
  readonly length: number;
}

/** What was written, with the part that is not understood. */
export function MarkedText({ text, column, length }: MarkedTextProps): ReactElement {
  const from = column - 1;
  return (
    <p className="overflow-x-auto font-mono text-meta whitespace-pre text-ink-3">
      {text.slice(0, from)}
      <mark className="bg-error-soft text-error underline decoration-wavy">{text.slice(from, from + length) || '…'}</mark>
      {text.slice(from + length)}
    </p>
  );
}
