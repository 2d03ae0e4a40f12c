import { useMutation } from '@tanstack/react-query';
import { X } from 'lucide-react';
import type { ReactElement } from 'react';
import { Button } from './button.tsx';
import { FaultLine } from './fault-line.tsx';

export interface Undo {
  /** What was done, as a sentence. */
  readonly said: string;
  /** Makes it what it was; refused where somebody has changed it since. */
  readonly run: () => Promise<unknown>;
}

/** What was just done, and the way back; it stays until it is closed or something else is done. */
export function UndoBar({ undo, onClose }: { readonly undo: Undo; readonly onClose: () => void }): ReactElement {
  const back = useMutation({ mutationFn: undo.run, onSuccess: onClose });
  return (
    <div role="status" className="flex flex-wrap items-center gap-x-3 gap-y-1 border-t border-hairline bg-accent-soft px-3 py-1 sm:px-4">
      <span>{undo.said}</span>
      <Button look="quiet" disabled={back.isPending} onClick={() => back.mutate()}>
        Undo
      </Button>
      <FaultLine error={back.error} />
      <button type="button" aria-label="Close" onClick={onClose} className="hit ml-auto text-ink-3 hover:text-ink">
        <X size={16} aria-hidden="true" />
      </button>
    </div>
  );
}
