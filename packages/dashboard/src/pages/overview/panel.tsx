import type { ReactElement, ReactNode } from 'react';

interface PanelProps {
  readonly title: string;
  /** What can be done with it, at the right of its title. */
  readonly action?: ReactElement | false;
  readonly children: ReactNode;
}

export function Panel({ title, action, children }: PanelProps): ReactElement {
  return (
    <section className="min-w-0">
      <div className="mb-1 flex min-h-8 items-center justify-between gap-2">
        <h2 className="text-section font-semibold">{title}</h2>
        {action}
      </div>
      <div className="border-y border-hairline bg-surface">{children}</div>
    </section>
  );
}
