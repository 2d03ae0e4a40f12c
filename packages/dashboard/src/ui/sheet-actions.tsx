import type { ReactElement, ReactNode } from 'react';
import { Button } from './button.tsx';

interface SheetActionsProps {
  /** What the form does: of its button, which sends it. */
  readonly verb: string;
  readonly disabled: boolean;
  /** Why it is disabled, where that is not seen. */
  readonly why?: string | undefined;
  /** What is to be known before, at the other end of the row. */
  readonly children?: ReactNode;
  readonly onClose: () => void;
}

/** The last row of a form in a sheet: the way out, then what it does. */
export function SheetActions({ verb, disabled, why, children, onClose }: SheetActionsProps): ReactElement {
  return (
    <div className="flex flex-wrap items-center justify-end gap-2">
      {children !== undefined && <div className="mr-auto text-meta text-ink-3">{children}</div>}
      <Button look="quiet" onClick={onClose}>
        Cancel
      </Button>
      <Button look="primary" type="submit" disabled={disabled} title={why}>
        {verb}
      </Button>
    </div>
  );
}
