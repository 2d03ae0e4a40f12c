/** From a call that rules stop to the rule that would let it through: for whom and for what is chosen, what that does is tried first. */
import { ShieldCheck } from 'lucide-react';
import { lazy, Suspense, useState, type ReactElement } from 'react';
import { useCapability } from '../../app/session.ts';
import { Button } from '../../ui/button.tsx';
import type { Thing } from './propose.ts';

const AllowSheet = lazy(async () => ({ default: (await import('./allow-sheet.tsx')).AllowSheet }));

export interface Stopped extends Thing {
  /** Who called: `user:usr_ana`, `key_…`. */
  readonly as: string;
  /** The rule that is recorded to have stopped it. */
  readonly rule: string | null;
}

export function AllowThis({ stopped }: { readonly stopped: Stopped }): ReactElement {
  const write = useCapability('policies.write');
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button disabled={!write.allowed} title={write.allowed ? undefined : `Requires policies.write. ${write.reason}`} onClick={() => setOpen(true)}>
        <ShieldCheck size={14} aria-hidden="true" /> Allow this…
      </Button>
      {open && (
        <Suspense fallback={null}>
          <AllowSheet stopped={stopped} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
