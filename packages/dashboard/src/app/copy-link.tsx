import { useSearch } from '@tanstack/react-router';
import { useRef, type ReactElement } from 'react';
import { rangeText, windowAt, type RangeSearch } from '../time/range.ts';
import { Button } from '../ui/button.tsx';
import { copyText } from '../ui/copy.tsx';
import { Sheet } from '../ui/sheet.tsx';

/** A link to what is seen: as it is at this moment, or as it will be whenever it is opened. */
export function CopyLink({ onClose }: { readonly onClose: () => void }): ReactElement {
  const first = useRef<HTMLButtonElement>(null);
  const search = useSearch({ strict: false });
  const copy = (change: Readonly<Record<string, string | null>>): void => {
    const address = new URL(location.href);
    for (const [name, value] of Object.entries(change)) {
      if (value === null) address.searchParams.delete(name);
      else address.searchParams.set(name, value);
    }
    void copyText(address.href);
    onClose();
  };
  return (
    <Sheet title="Copy a link to this view" onClose={onClose} first={first}>
      <div className="flex flex-col items-start gap-3 p-4">
        <p className="text-ink-2">This range moves with time. The link can move with it, or show exactly what you see now.</p>
        <div className="flex flex-wrap gap-2">
          <Button ref={first} look="primary" onClick={() => copy({})}>
            Always the {rangeText(search)}
          </Button>
          <Button onClick={() => copy(momentOf(search))}>Exactly this moment</Button>
        </div>
      </div>
    </Sheet>
  );
}

function momentOf(search: RangeSearch): Readonly<Record<string, string | null>> {
  const nowMs = Date.now();
  return { range: null, live: null, from: windowAt(search, nowMs).start, to: new Date(nowMs).toISOString() };
}
