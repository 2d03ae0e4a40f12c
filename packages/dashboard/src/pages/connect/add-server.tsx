/** Servers added while the gateway runs: one at an address, or those of a block that a client has. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type FormEvent, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Field } from '../../ui/field.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { Command } from '../../ui/states.tsx';
import { PasteServers } from './paste-servers.tsx';

const inFile = `servers:
  - name: files
    transport: stdio
    command: [npx, -y,
      "@modelcontextprotocol/server-filesystem", /srv/shared]`;

const ways = [
  ['address', 'By address'],
  ['paste', 'Paste a configuration'],
] as const;

export function AddServer(): ReactElement {
  const may = useCapability('config.write');
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [way, setWay] = useState<'address' | 'paste'>('address');
  const add = useMutation({
    mutationFn: (given: string) => gateway.servers.create({ name: given, spec: { url: url.trim() } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['servers'] }),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    add.mutate(name.trim());
  };
  return (
    <div className="flex flex-col gap-3">
      {may.allowed && <Tabs label="How to add servers" tabs={ways} chosen={way} onChoose={setWay} />}
      {may.allowed && way === 'paste' && <PasteServers />}
      {may.allowed && way === 'address' && (
        <form onSubmit={submit} className="flex flex-wrap items-start gap-2">
          <div className="w-40">
            <Field label="Name" hint="Used in addresses and rules." value={name} maxLength={64} required onChange={(event) => setName(event.target.value)} />
          </div>
          <div className="min-w-56 flex-1">
            <Field
              label="Address"
              hint="Its Streamable HTTP endpoint, from its documentation."
              placeholder="https://docs.example/mcp"
              type="url"
              value={url}
              maxLength={2000}
              required
              onChange={(event) => setUrl(event.target.value)}
            />
          </div>
          <Button look="primary" type="submit" disabled={add.isPending || name.trim() === '' || url.trim() === ''} className="mt-6">
            Add server
          </Button>
        </form>
      )}
      {way === 'address' && <FaultLine error={add.error} />}
      {add.isSuccess && (
        <p role="status" className="text-ink-2">
          <Link to="/servers/$name" params={{ name: add.variables }} className="text-accent underline">
            {add.variables}
          </Link>{' '}
          is there.
        </p>
      )}
      <div>
        <p className="text-ink-2">
          {may.allowed ? "Or run a program on the gateway's machine. Add it to gateway.yaml," : "Add it to gateway.yaml on the gateway's machine,"} which is
          reloaded automatically:
        </p>
        <Command text={inFile} />
      </div>
    </div>
  );
}
