import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { countText, pluralText } from '../../text/format.ts';
import { ErrorCard, Skeleton } from '../../ui/states.tsx';
import { groupsOf, isCovered, toggled } from './permissions-of.ts';
import { permissionsQuery } from './permissions-query.ts';

interface PermissionMatrixProps {
  /** With patterns such as `tools.*`. */
  readonly permissions: readonly string[];
  /** Absent: it is to be read. */
  readonly onChange?: (permissions: readonly string[]) => void;
}

/** Every permission there is, with a plain sentence, and which of them a role has; a whole group at its head, also what will be in it. */
export function PermissionMatrix({ permissions, onChange }: PermissionMatrixProps): ReactElement {
  const known = useQuery(permissionsQuery);
  if (known.isLoadingError) return <ErrorCard error={known.error} what="The permissions" onRetry={() => void known.refetch()} />;
  if (known.data === undefined) return <Skeleton rows={6} label="Loading permissions" />;
  const all = known.data;
  const isFixed = onChange === undefined;
  const permitted = all.filter(({ name }) => isCovered(permissions, name)).length;
  // What is permitted is what one looks for: groups without any of it come last.
  const rank = ({ permissions: own }: ReturnType<typeof groupsOf>[number]): number =>
    isFixed && !own.some(({ name }) => isCovered(permissions, name)) ? 1 : 0;
  const groups = groupsOf(all).toSorted((one, other) => rank(one) - rank(other));
  const tick = (pattern: string, isIn: boolean, label: string): ReactElement => (
    <input
      type="checkbox"
      aria-label={label}
      checked={isIn}
      disabled={isFixed}
      onChange={() => onChange?.(toggled(permissions, pattern, all))}
      className="mt-0.75 size-3.5 shrink-0 accent-(--accent)"
    />
  );
  return (
    <fieldset className="min-w-0">
      <legend className={isFixed ? 'sr-only' : 'mb-1 text-meta text-ink-2'}>Permits</legend>
      {!isFixed && (
        <label className="flex min-h-7 items-start gap-2 pb-1">
          {tick('*', permissions.includes('*'), 'Everything')} <span>Everything, including what later versions add</span>
        </label>
      )}
      {isFixed && (
        <p className="pb-2 text-ink-2">
          {countText(permitted)} of {pluralText(all.length, 'permission')}
        </p>
      )}
      <div className="columns-1 gap-8 border-t border-hairline pt-2 lg:columns-2">
        {groups.map(({ group, permissions: own }) => {
          const whole = `${group}.*`;
          return (
            <section key={group} className="mb-3 break-inside-avoid">
              <h3 className="flex items-start gap-2 font-semibold">
                {own.length > 1 && !isFixed && tick(whole, isCovered(permissions, whole), `All of ${group}`)}
                <span className="first-letter:uppercase">{group}</span>
              </h3>
              {own.map(({ name, description }) => {
                const isIn = isCovered(permissions, name);
                return (
                  <div key={name} className="flex items-start gap-2 py-0.5">
                    {isFixed ? (
                      <span aria-hidden="true" className={`w-3.5 shrink-0 text-center ${isIn ? '' : 'text-ink-3'}`}>
                        {isIn ? '✓' : '·'}
                      </span>
                    ) : (
                      tick(name, isIn, name)
                    )}
                    <span className={`min-w-0 ${isIn || !isFixed ? '' : 'text-ink-3'}`}>
                      {description} <code className="font-mono text-meta text-ink-3">{name}</code>
                      {isFixed && <span className="sr-only">{isIn ? ' permitted' : ' not permitted'}</span>}
                    </span>
                  </div>
                );
              })}
            </section>
          );
        })}
      </div>
    </fieldset>
  );
}
