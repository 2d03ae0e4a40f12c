import { X } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';

/** One row of a list, beside it: the list goes on being used. Over it on narrow screens. `name`: what a screen reader calls it. */
export function SidePanel({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactElement {
  return (
    <aside
      aria-label={name}
      className="flex min-h-0 w-full flex-col overflow-y-auto border-hairline bg-surface max-lg:absolute max-lg:inset-0 max-lg:top-12 max-lg:z-20 lg:w-[420px] lg:shrink-0 lg:border-l"
    >
      {children}
    </aside>
  );
}

/** What a panel holds, below its title and the cross that closes it. */
export function PanelBody({
  title,
  onClose,
  children,
}: {
  readonly title: ReactNode;
  readonly onClose: () => void;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <div className="flex flex-col gap-4 p-4">
      <div className="flex items-start justify-between gap-2">
        <h2 className="text-section font-semibold break-words">{title}</h2>
        <button
          type="button"
          title="Close (Esc)"
          aria-label="Close"
          onClick={onClose}
          className="flex size-8 shrink-0 items-center justify-center rounded-control text-ink-3 hover:bg-sunken hover:text-ink pointer-coarse:size-10"
        >
          <X size={16} aria-hidden="true" />
        </button>
      </div>
      {children}
    </div>
  );
}
