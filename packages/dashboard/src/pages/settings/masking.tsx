import { useMutation, useQuery } from '@tanstack/react-query';
import { useId, useState, type FormEvent, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { pluralText } from '../../text/format.ts';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Command } from '../../ui/states.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Part } from './part.tsx';
import { WrittenIn } from './written-in.tsx';
import { SmallTable } from '../../ui/small-table.tsx';

const notKept: Readonly<Record<string, string>> = {
  not_text: 'It is not text, and would not be recorded.',
  over_scan_limit: 'It is longer than can be scanned, and would not be recorded.',
  timeout: 'Scanning it took too long: it would not be recorded.',
  failed: 'It could not be scanned: it would not be recorded.',
};

/** Of rules whose name says all. */
const said: Readonly<Record<string, string>> = {
  detect: 'anything of that kind, in any field',
  field: 'every field with that name',
  path: 'the value at that path',
};

/** What is masked in bodies before they are kept, and a text to try it on. */
export function Masking(): ReactElement {
  return (
    <>
      <Rules />
      <Trial />
    </>
  );
}

function Rules(): ReactElement {
  const found = useQuery({ queryKey: ['masking-rules'], queryFn: ({ signal }) => gateway.maskingRules.list({ limit: 200 }, { signal }).take(1000) });
  return (
    <Loaded query={found} what="The list of masking rules" rows={4}>
      {(data) => (
        <Part
          title="Additional masking rules"
          about="Card numbers, social security numbers, tokens and keys of known formats, and fields whose names suggest secrets are always masked in bodies before they are recorded. These rules add to that."
        >
          {data.length === 0 ? (
            <>
              <p>None.</p>
              <Command text="npx --no gateway masking-rules create employee-number --set 'pattern=EMP-[0-9]{6}'" />
            </>
          ) : (
            <SmallTable titles={['Name', 'What it masks', 'Defined in']} left={3}>
              {data.map((one) => (
                <tr key={one.name} className="border-t border-hairline">
                  <th scope="row" className="px-3 py-1.5 text-left font-medium">
                    {one.name}
                  </th>
                  <td className="min-w-44 px-3 py-1.5">
                    {one.spec.pattern === undefined ? (
                      <span className="text-ink-2">{said[one.name.split(':')[0] ?? ''] ?? ''}</span>
                    ) : (
                      <code className="font-mono text-meta break-all">{one.spec.pattern}</code>
                    )}
                  </td>
                  <td className="px-3 py-1.5">
                    <WrittenIn of={one} />
                  </td>
                </tr>
              ))}
            </SmallTable>
          )}
        </Part>
      )}
    </Loaded>
  );
}

function Trial(): ReactElement {
  const may = useCapability('masking.test');
  const [text, setText] = useState('');
  const id = useId();
  const tried = useMutation({ mutationFn: async () => (await gateway.masking.test({ text })).test });
  const found = tried.data;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    tried.mutate();
  };
  return (
    <Part title="Test on sample text" about="The text is neither stored nor logged.">
      <form onSubmit={submit} className="flex flex-col items-start gap-2">
        <label htmlFor={id} className="text-meta text-ink-2">
          A body, as JSON or plain text
        </label>
        <textarea
          id={id}
          rows={5}
          maxLength={100_000}
          spellCheck={false}
          value={text}
          placeholder={'{"user":"ana@example.com","password":"hunter2"}'}
          onChange={(event) => setText(event.target.value)}
          className="w-full rounded-control border border-control bg-canvas px-2 py-1.5 font-mono text-meta text-ink placeholder:text-ink-3"
        />
        <Button type="submit" disabled={!may.allowed || text === '' || tried.isPending} title={may.allowed ? undefined : may.reason}>
          Mask text
        </Button>
      </form>
      <FaultLine error={tried.error} />
      {found !== undefined && (
        <div aria-live="polite" className="flex flex-col gap-2">
          {found.not_kept !== null && <p className="text-warn">{notKept[found.not_kept] ?? found.not_kept}</p>}
          {found.text !== null && (
            <pre className="max-h-80 overflow-auto rounded-panel border border-hairline bg-canvas p-2 font-mono text-meta break-words whitespace-pre-wrap">
              {found.text}
            </pre>
          )}
          <p className="text-ink-2">
            {found.masked.length === 0
              ? 'Nothing is masked.'
              : `${pluralText(
                  found.masked.reduce((sum, { count }) => sum + count, 0),
                  'value',
                )} masked by ${[...new Set(found.masked.map(({ rule }) => rule))].join(', ')}.`}
            {found.cut && ' A part was too long to scan, and is cut there.'}
          </p>
        </div>
      )}
    </Part>
  );
}
