import { Dialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import { useRef, type ReactElement, type ReactNode, type RefObject } from 'react';

/** A dialog for something to read or to fill in. Escape, the cross and a click beside it close it. */
export function Sheet({
  title,
  onClose,
  children,
  wide = false,
  first,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly wide?: boolean;
  /** What has the focus once it is open; by default its first field. */
  readonly first?: RefObject<HTMLElement | null>;
}): ReactElement {
  const content = useRef<HTMLDivElement>(null);
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-30 animate-[appear_120ms_ease-out] bg-(--veil)" />
        <Dialog.Popup
          // To the first field, not to the cross. A finger would have the keyboard come up over what is there to read.
          initialFocus={first ?? ((how) => (how === 'touch' ? true : (content.current?.querySelector<HTMLElement>('input, select, textarea') ?? true)))}
          className={`fixed top-1/2 left-1/2 z-30 flex max-h-[calc(100dvh-2rem)] w-[calc(100vw-1.5rem)] -translate-1/2 animate-[appear_120ms_ease-out] flex-col rounded-panel border border-hairline bg-surface shadow-[0_8px_24px_var(--shadow)] outline-none ${wide ? 'max-w-3xl' : 'max-w-lg'}`}
        >
          <div className="flex items-center justify-between border-b border-hairline py-2 pr-2 pl-4">
            <Dialog.Title className="text-section font-semibold">{title}</Dialog.Title>
            <Dialog.Close
              aria-label="Close"
              className="flex size-8 items-center justify-center rounded-control text-ink-3 hover:bg-sunken hover:text-ink pointer-coarse:size-10"
            >
              <X size={16} aria-hidden="true" />
            </Dialog.Close>
          </div>
          <div ref={content} className="min-h-0 overflow-y-auto">
            {children}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
