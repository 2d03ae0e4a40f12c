import type { ReactElement } from 'react';
import { Sheet } from '../ui/sheet.tsx';
import { setAppearance, useAppearance } from './appearance.ts';
import { activeShortcuts } from './shortcuts.ts';

/** Every key that does something here and now. */
export function KeysSheet({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { shortcuts } = useAppearance();
  return (
    <Sheet title="Keys" onClose={onClose}>
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 p-4">
        {activeShortcuts().map(({ keys, about }) => (
          <div key={`${keys} ${about}`} className="col-span-2 grid grid-cols-subgrid items-center">
            <dt className="flex gap-1">
              {keys.split(/[ +]/).map((key) => (
                <kbd key={key} className="min-w-6 rounded-control border border-hairline bg-sunken px-1.5 text-center font-mono text-meta">
                  {key === 'mod' ? 'Ctrl' : key}
                </kbd>
              ))}
            </dt>
            <dd className="text-ink-2">{about}</dd>
          </div>
        ))}
      </dl>
      <label className="flex items-center gap-2 border-t border-hairline p-4">
        <input
          type="checkbox"
          checked={shortcuts}
          onChange={(event) => setAppearance({ shortcuts: event.target.checked })}
          className="size-4 accent-(--accent)"
        />
        Single letters are commands
      </label>
    </Sheet>
  );
}
