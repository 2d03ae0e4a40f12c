import { AlertDialog } from '@base-ui/react/alert-dialog';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactElement, type ReactNode } from 'react';
import { Button } from './button.tsx';
import { FaultLine } from './fault-line.tsx';
import { Field } from './field.tsx';

interface ConfirmProps {
  readonly title: string;
  readonly children: ReactNode;
  /** A verb: what will be done. */
  readonly verb: string;
  /** Asked for where it is written down. */
  readonly reason?: string;
  /** What came between, in the place of the fault that it was. */
  readonly met?: ReactNode;
  readonly onConfirm: (reason: string) => Promise<unknown>;
  readonly onClose: () => void;
}

/** Before something that others will feel: what it does, in words, and why it is done. */
export function Confirm({ title, children, verb, reason, met = false, onConfirm, onClose }: ConfirmProps): ReactElement {
  const [why, setWhy] = useState('');
  const done = useMutation({ mutationFn: () => onConfirm(why.trim()), onSuccess: onClose });
  return (
    <AlertDialog.Root open onOpenChange={(open) => !open && !done.isPending && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="fixed inset-0 z-30 bg-(--veil)" />
        <AlertDialog.Popup className="fixed top-1/2 left-1/2 z-30 flex w-[calc(100vw-1.5rem)] max-w-md -translate-1/2 flex-col gap-3 rounded-panel border border-hairline bg-surface p-4 shadow-[0_8px_24px_var(--shadow)] outline-none">
          <AlertDialog.Title className="text-section font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description render={<div />} className="text-ink-2">
            {children}
          </AlertDialog.Description>
          {reason !== undefined && (
            <Field label={reason} hint="Recorded in the audit log." value={why} maxLength={500} onChange={(event) => setWhy(event.target.value)} />
          )}
          {met === false ? <FaultLine error={done.error} /> : met}
          <div className="flex justify-end gap-2">
            <AlertDialog.Close render={<Button look="quiet">Cancel</Button>} />
            <Button look="danger" disabled={done.isPending || (reason !== undefined && why.trim() === '')} onClick={() => done.mutate()}>
              {verb}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
