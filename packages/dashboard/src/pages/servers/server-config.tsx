/** Where a server is said and what, and its change where it was made by the API. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { useState, type FormEvent, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Clock } from '../../time/time.tsx';
import { Button } from '../../ui/button.tsx';
import { ChangedMeanwhile, useVersioned, type Seen } from '../../ui/changed-meanwhile.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Area } from '../../ui/field.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { Empty } from '../../ui/states.tsx';
import { Who, whoText } from '../../ui/who.tsx';
import { Part } from '../people/part.tsx';
import { JsonView } from '../trace/json-view.tsx';
import { serverQuery } from './use-servers.ts';

type Managed = NonNullable<Schemas['Server']['managed']>;
type Spec = Readonly<Record<string, unknown>>;

export function ServerConfig({ server }: { readonly server: Schemas['Server'] }): ReactElement {
  const { managed } = server;
  const may = useCapability('config.write');
  const [open, setOpen] = useState<'change' | 'delete' | null>(null);
  if (managed === null)
    return <Empty title="Its configuration cannot be shown here">The registry does not answer, or the gateway is operated by another organization.</Empty>;
  // What stands in a file is changed there; of what may not be seen nothing could be changed.
  const isOurs = managed.source === 'registry' && managed.spec !== null;
  return (
    <Part
      title="Configuration"
      actions={
        isOurs && (
          <>
            <Button disabled={!may.allowed} title={may.allowed ? undefined : may.reason} onClick={() => setOpen('change')}>
              Change
            </Button>
            <Button look="danger" disabled={!may.allowed} title={may.allowed ? undefined : may.reason} onClick={() => setOpen('delete')}>
              Delete
            </Button>
          </>
        )
      }
    >
      <p className="mb-2 text-ink-2">
        {managed.file === null ? (
          <>
            Created by {managed.created_by === null ? 'the API' : <Who id={managed.created_by} name={managed.created_by_name} />}
            {managed.changed_at !== null && (
              <>
                , last changed by <Who id={managed.changed_by ?? ''} name={managed.changed_by_name} />, <Clock time={managed.changed_at} />
              </>
            )}
            .
          </>
        ) : (
          <>
            Defined in{' '}
            <code className="font-mono text-meta">
              {managed.file}
              {managed.line === null ? '' : `:${managed.line}`}
            </code>
            ; change it there.
          </>
        )}
      </p>
      {managed.spec === null ? (
        <p className="text-ink-2">Only people who may change it can see its content.</p>
      ) : (
        <JsonView text={JSON.stringify(managed.spec)} />
      )}
      {open === 'change' && <ChangeServer managed={managed} onClose={() => setOpen(null)} />}
      {open === 'delete' && <DeleteServer managed={managed} onClose={() => setOpen(null)} />}
    </Part>
  );
}

interface DialogProps {
  readonly managed: Managed;
  readonly onClose: () => void;
}

function seenOf({ version, spec, changed_by: by, changed_by_name: name }: Managed): Seen<Spec> {
  return { version: version ?? 0, fields: spec ?? {}, by: by && whoText(by, name) };
}

async function readSpec(name: string): Promise<Seen<Spec>> {
  const { managed } = (await gateway.servers.get(name)).server;
  return managed === null ? { version: 0, fields: {} } : seenOf(managed);
}

function specIn(text: string): Spec | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Spec) : null;
  } catch {
    return null;
  }
}

function ChangeServer({ managed, onClose }: DialogProps): ReactElement {
  const { name } = managed;
  const queries = useQueryClient();
  const [opened] = useState(() => seenOf(managed));
  const [text, setText] = useState(() => JSON.stringify(opened.fields, null, 2));
  const spec = specIn(text);
  const versioned = useVersioned(opened, () => readSpec(name));
  const saved = useMutation({
    mutationFn: (written: Spec) => versioned.send((version) => gateway.servers.replace(name, written, { ifMatch: `"${version}"` })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: serverQuery(name).queryKey });
      onClose();
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (spec !== null) saved.mutate(spec);
  };
  return (
    <Sheet title={`Change ${name}`} onClose={onClose} wide>
      <form onSubmit={submit} className="flex flex-col gap-3 p-4">
        <Area
          label="Specification"
          hint="As an entry under servers in gateway.yaml, without its name. Omitted fields have their defaults; secrets are references."
          problem={spec === null ? 'This is not a JSON object yet.' : null}
          rows={14}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <ChangedMeanwhile versioned={versioned} mine={spec ?? opened.fields} titles={{}} onTake={(fields) => setText(JSON.stringify(fields, null, 2))} />
        <FaultLine error={versioned.meeting === null ? saved.error : null} />
        <div className="flex items-center justify-end gap-2">
          <p className="mr-auto text-meta text-ink-3">It takes effect at once here, on every node within a second.</p>
          <Button look="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button look="primary" type="submit" disabled={spec === null || saved.isPending || versioned.meeting !== null}>
            Change the server
          </Button>
        </div>
      </form>
    </Sheet>
  );
}

function DeleteServer({ managed, onClose }: DialogProps): ReactElement {
  const { name } = managed;
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [opened] = useState(() => seenOf(managed));
  const versioned = useVersioned(opened, () => readSpec(name));
  return (
    <Confirm
      title={`Delete ${name}?`}
      verb="Delete the server"
      met={versioned.meeting !== null && <ChangedMeanwhile versioned={versioned} mine={opened.fields} titles={{}} deleting />}
      onClose={onClose}
      onConfirm={async () => {
        await versioned.send((version) => gateway.servers.delete(name, { ifMatch: `"${version}"` }));
        await navigate({ to: '/servers' });
        await queries.invalidateQueries({ queryKey: ['servers'] });
      }}
    >
      No call reaches it any more, on every node within a second; recorded calls stay. Deleting is refused while something else needs it.
    </Confirm>
  );
}
