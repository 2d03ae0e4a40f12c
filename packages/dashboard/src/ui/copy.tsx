import { Check, Copy } from 'lucide-react';
import { useEffect, useState, type ReactElement } from 'react';
import { middleCut } from '../text/format.ts';

/** Copies, and says so for a moment. */
export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }): ReactElement {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={(event) => {
        event.stopPropagation();
        void copyText(text).then(setCopied);
      }}
      className="inline-flex size-6 items-center justify-center rounded-control text-ink-3 hover:bg-sunken hover:text-ink pointer-coarse:size-10"
    >
      {copied ? <Check size={14} aria-hidden="true" className="text-ok" /> : <Copy size={14} aria-hidden="true" />}
      <span role="status" className="sr-only">
        {copied ? 'Copied' : ''}
      </span>
    </button>
  );
}

/** An id, cut in its middle; a click copies the whole. */
export function Id({ id }: { readonly id: string }): ReactElement {
  return (
    <button
      type="button"
      title={`Copy ${id}`}
      onClick={(event) => {
        event.stopPropagation();
        void copyText(id);
      }}
      className="rounded-control font-mono text-meta text-ink-2 hover:text-ink hover:underline"
    >
      {middleCut(id)}
    </button>
  );
}

/** False where the browser does not allow it, as on plain HTTP away from this machine. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.setAttribute('aria-hidden', 'true');
  area.style.position = 'fixed';
  area.style.opacity = '0';
  document.body.append(area);
  area.select();
  // The one way there is without a secure context.
  const done = document.execCommand('copy');
  area.remove();
  return done;
}
