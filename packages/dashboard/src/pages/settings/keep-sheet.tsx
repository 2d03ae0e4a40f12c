import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import { useState, type FormEvent, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { bytesText, pluralText } from '../../text/format.ts';
import { ChangedMeanwhile, useVersioned } from '../../ui/changed-meanwhile.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Field } from '../../ui/field.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { SheetActions } from '../../ui/sheet-actions.tsx';
import { whoText } from '../../ui/who.tsx';
import { retentionQuery } from './retention-query.ts';

interface KeepSheetProps {
  readonly kept: Schemas['ManagedRetention'];
  /** Null: what it weighs is not known. */
  readonly size: Schemas['KeptSize'] | null;
  readonly onClose: () => void;
}

/** For how long something is kept: what that does is said before it is done. */
export function KeepSheet({ kept, size, onClose }: KeepSheetProps): ReactElement {
  const { name } = kept;
  const queries = useQueryClient();
  const [opened] = useState(() => ({ version: kept.version ?? 0, fields: { keep: kept.spec.keep } }));
  const [days, setDays] = useState(() => daysOf(opened.fields.keep));
  const written = { keep: `${Number(days)}d` };
  const versioned = useVersioned(opened, async () => {
    const { retention } = await gateway.retention.get(name);
    return {
      version: retention.version ?? 0,
      fields: { keep: retention.spec.keep },
      by: retention.changed_by && whoText(retention.changed_by, retention.changed_by_name),
    };
  });
  // What nobody has said yet is made.
  const put = (dryRun: boolean) =>
    versioned.send((version) =>
      version === 0
        ? gateway.retention.create({ name, spec: written }, { dryRun })
        : gateway.retention.replace(name, written, { ifMatch: `"${version}"`, dryRun }),
    );
  const plan = useMutation({ mutationFn: async (planned: string) => (await put(true), planned) });
  const saved = useMutation({
    mutationFn: () => put(false),
    onSuccess: async () => {
      await Promise.all([queries.invalidateQueries({ queryKey: retentionQuery.queryKey }), queries.invalidateQueries({ queryKey: ['config', 'sizes'] })]);
      onClose();
    },
  });
  const isPlanned = plan.data === days && versioned.meeting === null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isPlanned) saved.mutate();
    else plan.mutate(days);
  };
  return (
    <Sheet title={`Retention of ${name === 'audit' ? 'the audit log' : name}`} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3 p-4">
        <Field label="Days" type="number" min={1} step={1} required value={days} onChange={(event) => setDays(event.target.value)} />
        <ChangedMeanwhile
          versioned={versioned}
          mine={written}
          titles={{ keep: 'Kept for' }}
          canMakeAnew
          onTake={({ keep }) => {
            setDays(daysOf(keep));
            plan.reset();
          }}
        />
        {versioned.meeting === null && <FaultLine error={saved.error ?? plan.error} />}
        {isPlanned && <Plan before={Number(daysOf(opened.fields.keep))} after={Number(days)} bytesPerDay={size?.bytes_per_day ?? null} />}
        <SheetActions
          verb={isPlanned ? `Keep ${pluralText(Number(days), 'day')}` : 'Preview the effect'}
          disabled={days === '' || plan.isPending || saved.isPending || versioned.meeting !== null || `${days}d` === opened.fields.keep}
          onClose={onClose}
        />
      </form>
    </Sheet>
  );
}

function Plan({ before, after, bytesPerDay }: { readonly before: number; readonly after: number; readonly bytesPerDay: number | null }): ReactElement {
  return (
    <div role="status" className="flex flex-col gap-1 border-t border-hairline pt-3">
      <p className={after < before ? 'text-warn' : ''}>
        {after < before
          ? `▲ Data older than ${pluralText(after, 'day')} will soon be deleted for good.`
          : `Nothing is deleted: existing data stays ${pluralText(after - before, 'day')} longer.`}
      </p>
      <p className="text-ink-2">
        {bytesPerDay === null
          ? 'The size can be forecast after one whole day.'
          : `The size on disk will be about ${bytesText(bytesPerDay * after)} instead of ${bytesText(bytesPerDay * before)}, based on the last week.`}
      </p>
    </div>
  );
}

function daysOf(keep: string): string {
  return keep.replace(/d$/, '');
}
