import type { ReactElement, ReactNode } from 'react';

/** A part of a page of settings: its name, what it is for, and what it says. */
export function Part({ title, about, children }: { readonly title: string; readonly about?: ReactNode; readonly children: ReactNode }): ReactElement {
  return (
    <section aria-label={title} className="flex max-w-4xl flex-col gap-2">
      <h2 className="text-section font-semibold">{title}</h2>
      {about !== undefined && <p className="max-w-[80ch] text-ink-2">{about}</p>}
      {children}
    </section>
  );
}
