import { useEffect, useState, type ReactElement } from 'react';
import { Field } from './field.tsx';

const pauseMs = 150;

interface FindFieldProps {
  readonly placeholder: string;
  /** As the address has it. */
  readonly value: string | undefined;
  readonly onFind: (text: string | undefined) => void;
}

/** A filter as one types: what is written stands at once, what is asked for follows after a pause. Another address brings its own text. */
export function FindField({ placeholder, value = '', onFind }: FindFieldProps): ReactElement {
  const [draft, setDraft] = useState(value);
  const [seen, setSeen] = useState({ value, sent: value });
  if (value !== seen.value) {
    setSeen({ value, sent: value });
    if (value !== seen.sent) setDraft(value);
  }
  useEffect(() => {
    const wanted = draft.trim();
    if (wanted === seen.sent) return undefined;
    const timer = setTimeout(() => {
      setSeen((old) => ({ ...old, sent: wanted }));
      onFind(wanted === '' ? undefined : wanted);
    }, pauseMs);
    return () => clearTimeout(timer);
    // Asked for when the text has come to rest, not when the page is drawn anew.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [draft, seen.sent]);
  return <Field label="Find" placeholder={placeholder} value={draft} maxLength={100} onChange={(event) => setDraft(event.target.value)} />;
}
