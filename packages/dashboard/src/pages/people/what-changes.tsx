import { useQuery } from '@tanstack/react-query';
import { useMemo, type ReactElement } from 'react';
import { isCovered } from './permissions-of.ts';
import { permissionsQuery } from './permissions-query.ts';

interface WhatChangesProps {
  /** Permissions and patterns such as `tools.*`. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** As a sentence begins: `They`. */
  readonly who: string;
  /** Where nothing is gained or lost. */
  readonly same: string;
}

/** What may be done after it that may not be done now, and the other way round; said before it is saved. */
export function WhatChanges({ before, after, who, same }: WhatChangesProps): ReactElement | null {
  const known = useQuery(permissionsQuery);
  const [gained, lost] = useMemo(() => {
    const all = (known.data ?? []).map(({ name }) => name);
    return [all.filter((name) => !isCovered(before, name) && isCovered(after, name)), all.filter((name) => isCovered(before, name) && !isCovered(after, name))];
  }, [before, after, known.data]);
  if (known.data === undefined) return null;
  const list = (names: readonly string[]): ReactElement => <code className="font-mono text-meta break-words">{names.join(' ')}</code>;
  return (
    <div role="status" className="flex flex-col gap-1 text-ink-2">
      {gained.length > 0 && (
        <p>
          {who} may then also: {list(gained)}
        </p>
      )}
      {lost.length > 0 && (
        <p>
          {who} may no longer: {list(lost)}
        </p>
      )}
      {gained.length === 0 && lost.length === 0 && <p>{same}</p>}
      {after.length === 0 && <p className="text-warn">Without a role nothing is allowed.</p>}
    </div>
  );
}
