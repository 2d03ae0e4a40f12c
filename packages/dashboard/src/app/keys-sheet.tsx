import type { ReactElement } from 'react';
import { Sheet } from '../ui/sheet.tsx';
import { setAppearance, useAppearance } from './appearance.ts';
import { isMac } from './platform.ts';
import { shortcutsOf, type Shortcut } from './shortcuts.ts';

const names: Readonly<Record<string, string>> = { mod: isMac() ? '⌘' : 'Ctrl', shift: '⇧', Enter: '↵', Escape: 'Esc' };

/** Every key that does something here and now. */
export function KeysSheet({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { shortcuts } = useAppearance();
  return (
    <Sheet title="Keys" onClose={onClose}>
      <label className="flex items-center gap-2 border-b border-hairline px-4 py-3">
        <input
          type="checkbox"
          checked={shortcuts}
          onChange={(event) => setAppearance({ shortcuts: event.target.checked })}
          className="size-4 accent-(--accent)"
        />
        Single-letter shortcuts
      </label>
      <div className="flex flex-col gap-5 p-4">
        <KeyList title="On this page" shortcuts={shortcutsOf('page')} />
        <KeyList title="Everywhere" shortcuts={shortcutsOf('shell')} />
      </div>
    </Sheet>
  );
}

function KeyList({ title, shortcuts }: { readonly title: string; readonly shortcuts: readonly Shortcut[] }): ReactElement | null {
  if (shortcuts.length === 0) return null;
  return (
    <section>
      <h3 className="mb-2 text-meta text-ink-3">{title}</h3>
      <dl className="grid grid-cols-[6rem_1fr] gap-y-1.5">
        {shortcuts.map(({ keys, about }) => (
          <div key={`${keys} ${about}`} className="col-span-2 grid grid-cols-subgrid items-center">
            <dt className="flex gap-1">
              {keys.split(/[ +]/).map((key) => (
                <kbd key={key} className="min-w-6 rounded-control border border-hairline bg-sunken px-1.5 text-center font-mono text-meta">
                  {names[key] ?? key}
                </kbd>
              ))}
            </dt>
            <dd className="text-ink-2">{about}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
