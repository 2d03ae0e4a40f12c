/** One tool: what its server says of it, what it takes and gives, and the form that calls it. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { buttonLook } from '../../ui/button.tsx';
import { SmallTable } from '../../ui/small-table.tsx';
import { ErrorCard, Skeleton } from '../../ui/states.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { askedOf } from '../trace/call-as-command.ts';
import { JsonView } from '../trace/json-view.tsx';
import { quoted } from '../traces/query-text.ts';
import type { OwnKey } from './own-key.ts';
import { resolved, shapeOf, typeText, type Schema } from './schema-fields.ts';
import { ToolRules, ToolSwitch, type AccessOfTools } from './tool-access.tsx';
import { TryTool, type Recorded } from './try-tool.tsx';

interface ToolDetailProps {
  readonly server: Schemas['Server'];
  readonly tool: Schemas['ListedTool'];
  readonly keyFor: () => Promise<OwnKey>;
  readonly access: AccessOfTools;
  /** The recorded call that is made again. */
  readonly traceId: string | null;
  readonly spanId: string | null;
}

const parts = [
  ['try', 'Try it'],
  ['schema', 'Schemas'],
] as const;

export function ToolDetail({ server, tool, keyFor, access, traceId, spanId }: ToolDetailProps): ReactElement {
  const held = access.of?.(tool.name);
  const [part, setPart] = useState<'try' | 'schema'>('try');
  return (
    <article className="flex max-w-4xl flex-col gap-4">
      <header className="flex flex-col gap-2">
        <div className="flex flex-wrap items-start justify-between gap-2">
          <h2 className="min-w-0 text-title font-semibold break-words">
            {tool.name}
            {tool.title !== '' && tool.title !== tool.name && <span className="font-normal text-ink-3"> {tool.title}</span>}
          </h2>
          <div className="flex flex-wrap gap-2">
            <Link to="/traces" search={{ q: `server:${quoted(server.name)} tool:${quoted(tool.name)}` }} className={buttonLook()}>
              View calls
            </Link>
            {held !== undefined && <ToolSwitch server={server.name} tool={tool.name} off={held.off} refresh={access.refresh} />}
          </div>
        </div>
        <ToolHints tool={tool} />
        {held !== undefined && <ToolRules access={held} />}
        {tool.description !== '' && <p className="max-w-[80ch] whitespace-pre-line text-ink-2">{tool.description}</p>}
      </header>
      <Tabs label="Parts of the tool" tabs={parts} chosen={part} onChoose={setPart} />
      {/* What was written stays while the schemas are looked at. */}
      <div role="tabpanel" aria-label="Try it" hidden={part !== 'try'}>
        {traceId !== null && spanId !== null ? (
          <CallAgain server={server} tool={tool} keyFor={keyFor} traceId={traceId} spanId={spanId} />
        ) : (
          <TryTool server={server} tool={tool} keyFor={keyFor} recorded={null} />
        )}
      </div>
      {part === 'schema' && (
        <div role="tabpanel" aria-label="Schemas" className="flex flex-col gap-6">
          <SchemaPart title="Input" schema={tool.input_schema} none="Its schema is too long to show: write arguments as JSON." />
          <SchemaPart title="Structured output" schema={tool.output_schema} none="Its server declares none." />
        </div>
      )}
    </article>
  );
}

const hints = [
  ['readOnlyHint', 'read-only', 'changes things'],
  ['destructiveHint', 'destructive', 'destroys nothing'],
  ['idempotentHint', 'idempotent', 'not idempotent'],
  ['openWorldHint', 'open world', 'closed world'],
] as const;

const inLineMax = 2;

/** The hints that the server itself gives. Nothing proves them. */
export function ToolHints({ tool: { annotations, said }, wraps = true }: { readonly tool: Schemas['ListedTool']; readonly wraps?: boolean }): ReactElement {
  if (said.length === 0) return <span className="text-ink-3">nothing: treated as destructive, open world</span>;
  const given = hints
    .filter(([hint]) => said.includes(hint))
    .map(([hint, yes, no]) => ({
      hint,
      text: annotations[hint] ? yes : no,
      isWarning: annotations[hint] && (hint === 'destructiveHint' || hint === 'openWorldHint'),
    }));
  // In a line of a list there is room for two: what warns comes first, the others are under the pointer.
  const shown = wraps ? given : given.toSorted((one, other) => Number(other.isWarning) - Number(one.isWarning)).slice(0, inLineMax);
  return (
    <span className={`flex gap-1.5 ${wraps ? 'flex-wrap' : 'overflow-hidden'}`} title={wraps ? undefined : given.map(({ text }) => text).join(', ')}>
      {shown.map(({ hint, text, isWarning }) => (
        <span
          key={hint}
          className={`shrink-0 rounded-control border px-1.5 text-meta ${isWarning ? 'border-warn-solid text-warn' : 'border-hairline text-ink-2'}`}
        >
          {isWarning && <span aria-hidden="true">▲ </span>}
          {text}
        </span>
      ))}
      {given.length > shown.length && <span className="shrink-0 text-meta text-ink-3">+{given.length - shown.length}</span>}
    </span>
  );
}

/** The arguments of before, asked for when somebody wants to call again. */
function CallAgain({
  server,
  tool,
  keyFor,
  traceId,
  spanId,
}: { readonly [Name in Exclude<keyof ToolDetailProps, 'access'>]: NonNullable<ToolDetailProps[Name]> }): ReactElement {
  const mayRead = useCapability('bodies.read');
  const body = useQuery({
    queryKey: ['body', traceId, spanId, 'request'],
    queryFn: ({ signal }) => gateway.traces.body(traceId, spanId, 'request', { signal }),
    enabled: mayRead.allowed,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const asked = body.data === undefined ? undefined : askedOf(body.data);
  const origin = (
    <Link to="/traces/$traceId" params={{ traceId }} search={{ span: spanId }} className="text-accent underline">
      a recorded call
    </Link>
  );
  const without = (why: string): ReactElement => (
    <>
      <p className="mb-4 border-l-2 border-warn-solid pl-3 text-ink-2">
        The arguments of {origin} are not here: {why} Enter them again.
      </p>
      <TryTool server={server} tool={tool} keyFor={keyFor} recorded={{ traceId, spanId, arguments: {} }} />
    </>
  );
  if (!mayRead.allowed) return without(`requires bodies.read. ${mayRead.reason}`);
  if (body.error !== null) return <ErrorCard error={body.error} what="The recorded call" onRetry={() => void body.refetch()} />;
  if (body.data === undefined) return <Skeleton rows={5} label="Loading the recorded call" />;
  if (asked === undefined) return without('only the beginning was recorded.');
  const recorded: Recorded = { traceId, spanId, arguments: asked.arguments };
  return (
    <>
      <p className="mb-4 text-ink-2">
        {origin} is repeated, as you. Find the new call by <code className="font-mono text-meta break-all">{`request:replay_of.${spanId}.*`}</code>.
      </p>
      <TryTool server={server} tool={tool} keyFor={keyFor} recorded={recorded} />
    </>
  );
}

function SchemaPart({ title, schema, none }: { readonly title: string; readonly schema: Schema | null; readonly none: string }): ReactElement {
  const shape = schema === null ? null : shapeOf(schema, schema);
  return (
    <section>
      <h3 className="mb-2 text-section font-semibold">{title}</h3>
      {schema === null || shape === null ? (
        <p className="text-ink-2">{none}</p>
      ) : (
        <>
          {shape.kind === 'object' && shape.members.length > 0 && (
            <SmallTable titles={['Name', 'Type', 'Description']} left={3}>
              {shape.members.map(({ name, schema: member, isRequired }) => {
                const about = resolved(member, schema)['description'];
                return (
                  <tr key={name} className="border-t border-hairline align-top">
                    <th scope="row" className="px-3 py-1.5 text-left font-medium whitespace-nowrap">
                      {name}
                      {!isRequired && <span className="font-normal text-ink-3"> optional</span>}
                    </th>
                    <td className="px-3 py-1.5 text-ink-2">{typeText(member, schema)}</td>
                    <td className="px-3 py-1.5">{typeof about === 'string' ? about : ''}</td>
                  </tr>
                );
              })}
            </SmallTable>
          )}
          {shape.kind === 'object' && shape.members.length === 0 && <p className="text-ink-2">Nothing.</p>}
          <details className="mt-2">
            <summary className="cursor-pointer text-ink-2 hover:text-ink">The schema from its server</summary>
            <div className="mt-2">
              <JsonView text={JSON.stringify(schema)} />
            </div>
          </details>
        </>
      )}
    </section>
  );
}
