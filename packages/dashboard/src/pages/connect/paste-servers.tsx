/** Servers added from the block that a client has them in. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { pluralText } from '../../text/format.ts';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Area } from '../../ui/field.tsx';
import { SmallTable } from '../../ui/small-table.tsx';
import { serversIn } from './servers-in.ts';

type Outcome = { readonly error: unknown } | 'added';

const example = `{ "mcpServers": { "docs": { "url": "https://docs.example/mcp" } } }`;

export function PasteServers(): ReactElement {
  const queries = useQueryClient();
  const [text, setText] = useState('');
  const [outcomes, setOutcomes] = useState<ReadonlyMap<string, Outcome>>(new Map());
  const found = useMemo(() => serversIn(text), [text]);
  const open = (found ?? []).flatMap(({ name, spec }) => (spec === null || outcomes.get(name) === 'added' ? [] : [{ name, spec }]));
  const add = useMutation({
    // One after the other: one that cannot be made says why, and the others are made all the same.
    mutationFn: async () => {
      const all = new Map(outcomes);
      for (const { name, spec } of open) {
        try {
          await gateway.servers.create({ name, spec });
          all.set(name, 'added');
        } catch (error) {
          all.set(name, { error });
        }
        setOutcomes(new Map(all));
      }
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['servers'] }),
  });
  return (
    <div className="flex flex-col gap-3">
      <Area
        label="Configuration"
        hint="From Claude, Cursor or VS Code: an object with mcpServers or servers."
        problem={text.trim() !== '' && found === null ? 'This is not JSON with mcpServers or servers in it.' : null}
        placeholder={example}
        rows={7}
        maxLength={100_000}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setOutcomes(new Map());
        }}
      />
      {found !== null && (
        <SmallTable titles={['Server', 'Entry', 'Outcome']} left={3}>
          {found.map(({ name, spec, leftOut }) => {
            const outcome = outcomes.get(name);
            return (
              <tr key={name} className="border-t border-hairline align-top">
                <th scope="row" className="px-3 py-1.5 text-left font-medium">
                  {outcome === 'added' ? (
                    <Link to="/servers/$name" params={{ name }} className="text-accent underline">
                      {name}
                    </Link>
                  ) : (
                    name
                  )}
                </th>
                <td className="px-3 py-1.5">
                  {spec === null ? (
                    <span className="text-ink-3">skipped: it has neither an address nor a program</span>
                  ) : (
                    <code className="font-mono text-meta break-all">{JSON.stringify(spec)}</code>
                  )}
                  {leftOut !== null && <p className="text-meta text-warn">▲ Left out: {leftOut}</p>}
                </td>
                <td className="px-3 py-1.5">{outcome === undefined ? '' : outcome === 'added' ? 'added' : <FaultLine error={outcome.error} />}</td>
              </tr>
            );
          })}
        </SmallTable>
      )}
      <div>
        <Button look="primary" disabled={add.isPending || open.length === 0} onClick={() => add.mutate()}>
          {add.isPending ? 'Adding…' : open.length === 0 ? 'Add servers' : outcomes.size > 0 ? 'Try again' : `Add ${pluralText(open.length, 'server')}`}
        </Button>
      </div>
    </div>
  );
}
