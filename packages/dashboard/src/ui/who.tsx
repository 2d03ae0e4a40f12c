import type { ReactElement } from 'react';
import { middleCut } from '../text/format.ts';

interface WhoProps {
  readonly id: string;
  /** What they are called now; null: they have no name, or none any more. */
  readonly name: string | null;
}

/** Who made or changed something, as people know them; the id is under the pointer. */
export function Who({ id, name }: WhoProps): ReactElement {
  return <span title={id}>{whoText(id, name)}</span>;
}

export function whoText(id: string, name: string | null): string {
  if (name !== null) return name;
  return id.startsWith('ses_') ? 'an admin link' : middleCut(id);
}
