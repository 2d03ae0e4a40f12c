import type { ReactElement, ReactNode } from 'react';

/** A line of a list of facts: `<dl className={factList}>`. */
export function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactElement {
  return (
    <>
      <dt className="text-ink-3">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}

export const factList = 'grid grid-cols-[max-content_1fr] gap-x-6 gap-y-1';
