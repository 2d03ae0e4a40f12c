import type { ReactElement, ReactNode } from 'react';
import type { Capability } from '../app/session.ts';
import { Button } from './button.tsx';
import { TableHead } from './table-head.tsx';

interface SmallTableProps {
  readonly titles: readonly string[];
  /** So many columns are of words; the others are of figures, which stand at the right. */
  readonly left: number;
  /** Its rows: `<tr>`. */
  readonly children: ReactNode;
}

/** A list that is short enough to stand in the page as it is; a long one is a `DataTable`. It scrolls sideways by itself where it is wider than the page. */
export function SmallTable({ titles, left, children }: SmallTableProps): ReactElement {
  return (
    // Positioned, so that words which only screen readers hear are scrolled with it and do not widen the page.
    <div className="relative overflow-x-auto border-y border-hairline bg-surface">
      {/* What may break anywhere would be a letter a line where there is little room. */}
      <table className="w-full [&_td:is(.break-all:not(:empty),:has(.break-all))]:min-w-40">
        <TableHead titles={titles} left={left} />
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

interface RowActionProps {
  readonly capability: Pick<Capability, 'allowed' | 'reason'>;
  readonly onAct: () => void;
  /** The verb. */
  readonly children: ReactNode;
}

/** The last cell of a row: what can be done with it, or why not. It stays in sight where the table is wider than the page. */
export function RowAction({ capability: { allowed, reason }, onAct, children }: RowActionProps): ReactElement {
  return (
    <td className="sticky right-0 border-hairline bg-surface px-3 py-1 text-right max-sm:border-l">
      <Button disabled={!allowed} title={allowed ? undefined : reason} onClick={onAct}>
        {children}
      </Button>
    </td>
  );
}
