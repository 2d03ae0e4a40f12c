import { useState, type ReactElement, type ReactNode } from 'react';
import { Button } from './button.tsx';
import { CopyButton } from './copy.tsx';

/** Whether the secret was kept, without which closing asks first: it is nowhere else. */
export interface KeptGuard {
  readonly kept: boolean;
  readonly asks: boolean;
  readonly setKept: (kept: boolean) => void;
  readonly close: () => void;
  readonly closeAllTheSame: () => void;
}

export function useKeptGuard(onClose: () => void): KeptGuard {
  const [kept, setKept] = useState(false);
  const [asks, setAsks] = useState(false);
  return { kept, asks: asks && !kept, setKept, close: () => (kept ? onClose() : setAsks(true)), closeAllTheSame: onClose };
}

interface ShownOnceProps {
  readonly secret: string;
  /** Of the button that copies it: `Copy the key`. */
  readonly copyLabel: string;
  readonly about: string;
  /** What has to be done where it was not kept. */
  readonly lost: string;
  readonly guard: KeptGuard;
  /** How it is used. */
  readonly children: ReactNode;
}

/** A secret, this once, in a sheet whose closing is guarded. */
export function ShownOnce({ secret, copyLabel, about, lost, guard, children }: ShownOnceProps): ReactElement {
  return (
    <div className="flex flex-col gap-3 p-4">
      <p className="text-ink-2">{about}</p>
      <div className="flex items-center gap-2 rounded-panel border border-accent bg-accent-soft px-3 py-2">
        <code className="min-w-0 flex-1 font-mono text-table break-all" data-secret>
          {secret}
        </code>
        <CopyButton text={secret} label={copyLabel} />
      </div>
      {children}
      <label className="mt-2 flex items-center gap-2">
        <input type="checkbox" checked={guard.kept} onChange={(event) => guard.setKept(event.target.checked)} className="size-4 accent-(--accent)" /> I have
        saved it
      </label>
      {guard.asks && (
        <p role="alert" className="text-warn">
          It cannot be shown again. Confirm that you have saved it, or close anyway: {lost}
        </p>
      )}
      <div className="flex justify-end gap-2">
        {guard.asks && (
          <Button look="quiet" onClick={guard.closeAllTheSame}>
            Close anyway
          </Button>
        )}
        <Button look="primary" onClick={guard.close}>
          Done
        </Button>
      </div>
    </div>
  );
}
