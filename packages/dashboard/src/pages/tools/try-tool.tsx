/** A tool is called from its schema, by whoever looks, on the way that every call takes. */
import { useMutation } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import { Play, ShieldQuestion } from 'lucide-react';
import { useMemo, useState, type FormEvent, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { pluralText } from '../../text/format.ts';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Field } from '../../ui/field.tsx';
import { SmallTable } from '../../ui/small-table.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { Explanation } from '../access/explanation.tsx';
import { changesOf } from '../audit/changes-of.ts';
import type { OwnKey } from './own-key.ts';
import { JsonField, SchemaForm } from './schema-form.tsx';
import { defaultsOf, maskedIn, problemsOf, Unparsed, type Schema } from './schema-fields.ts';
import { CallRefused, ToolResultView } from './tool-result.tsx';

/** A call of before that is made again. */
export interface Recorded {
  readonly traceId: string;
  readonly spanId: string;
  readonly arguments: unknown;
}

interface TryToolProps {
  readonly server: Schemas['Server'];
  readonly tool: Schemas['ListedTool'];
  readonly keyFor: () => Promise<OwnKey>;
  readonly recorded: Recorded | null;
}

const ways = [
  ['form', 'Form'],
  ['json', 'JSON'],
] as const;
/** Of a tool whose schema is too long to be known here. */
const anything: Schema = {};
const nothing: ReadonlyMap<string, string> = new Map();

export function TryTool({ server, tool, keyFor, recorded }: TryToolProps): ReactElement {
  const mayMakeKeys = useCapability('keys.write');
  const mayExplain = useCapability('policies.read').allowed;
  const schema = tool.input_schema ?? anything;
  const [way, setWay] = useState<'form' | 'json'>(tool.input_schema === null ? 'json' : 'form');
  const [value, setValue] = useState<unknown>(() => recorded?.arguments ?? defaultsOf(schema) ?? {});
  const [isTried, setTried] = useState(false);
  const [typed, setTyped] = useState('');
  const problems = useMemo(() => allProblems(value, schema, recorded), [value, schema, recorded]);
  const { destructiveHint: destroys, openWorldHint: reachesOut } = tool.annotations;
  const mustType = destroys || reachesOut;
  const isConfirmed = !mustType || typed === tool.name;
  const takesKeys = server.auth === 'none' || server.auth.split(', ').includes('apiKey');
  const whyNot = !takesKeys
    ? `${server.name} accepts no API keys (${server.auth}): call it from a client that signs in that way.`
    : mayMakeKeys.allowed
      ? null
      : `Calling needs a key of your own. ${mayMakeKeys.reason}`;

  const check = useMutation({
    mutationFn: async () => {
      const { id } = await keyFor();
      const args = isObject(value) ? value : {};
      const asked = { as: id, server: server.name, kind: 'tool' as const, name: tool.name, arguments: args };
      return { as: id, explanation: (await gateway.access.explain(asked)).explanation };
    },
  });
  const call = useMutation({
    mutationFn: async ({ anyway }: { readonly anyway: boolean }) => {
      if (mayExplain && !anyway) {
        const { explanation } = await check.mutateAsync();
        if (explanation.decision !== 'allow' || explanation.stop !== null) return null;
      }
      const { client } = await keyFor();
      return client.mcp.call(
        { server: server.name, tool: tool.name, arguments: isObject(value) ? value : {} },
        // The id of the request says which call it is made again of: `request:replay_of.sp_…*` finds it.
        recorded === null ? {} : { requestId: `replay_of.${recorded.spanId}.${crypto.randomUUID()}` },
      );
    },
  });
  const ready = (): boolean => {
    setTried(true);
    return problems.size === 0 && isConfirmed && whyNot === null;
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (ready() && !call.isPending) call.mutate({ anyway: false });
  };
  const shown = isTried ? problems : nothing;
  const wasStopped = call.data === null && check.data !== undefined;
  return (
    <div className="flex flex-col gap-5">
      <form onSubmit={submit} noValidate className="flex flex-col gap-3" aria-label={`Call ${tool.name}`}>
        <Tabs
          label="How to enter arguments"
          tabs={tool.input_schema === null ? ways.slice(1) : ways}
          chosen={way}
          onChoose={(next) => (next === 'json' || !(value instanceof Unparsed)) && setWay(next)}
        />
        {way === 'form' ? (
          <SchemaForm schema={schema} value={value} onChange={setValue} problems={shown} />
        ) : (
          <JsonField
            label="Arguments"
            hint={value instanceof Unparsed ? 'This is not JSON yet; the form returns once it is.' : 'An object, sent as written.'}
            problem={isTried ? jsonProblem(problems) : null}
            rows={10}
            value={value}
            onChange={(next) => setValue(next ?? {})}
          />
        )}
        {recorded !== null && <Edits before={recorded.arguments} after={value} />}
        {mustType && (
          <div className="max-w-md border-l-2 border-warn-solid pl-3">
            <Field
              label={`Type ${tool.name} to call it`}
              hint={riskText(tool)}
              problem={isTried && !isConfirmed ? 'Enter the exact name of the tool.' : null}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          </div>
        )}
        {isTried && problems.size > 0 && (
          <p role="status" className="text-error">
            {pluralText(problems.size, 'argument')} {problems.size === 1 ? 'does' : 'do'} not match the schema; nothing was called.
          </p>
        )}
        <div className="flex flex-wrap items-center gap-2">
          <Button type="submit" look="primary" disabled={call.isPending || whyNot !== null} title={whyNot ?? undefined}>
            <Play size={14} aria-hidden="true" /> {call.isPending ? 'Calling…' : recorded === null ? 'Call' : 'Call again'}
          </Button>
          {mayExplain && (
            <Button disabled={check.isPending || whyNot !== null || value instanceof Unparsed} title={whyNot ?? undefined} onClick={() => check.mutate()}>
              <ShieldQuestion size={14} aria-hidden="true" /> Check access
            </Button>
          )}
          <span className="text-meta text-ink-3">
            {whyNot ??
              'The call is made as you, with a key for this server that expires in 15 minutes. Rules, limits, masking and recording apply as they do to any call.'}
          </span>
        </div>
      </form>
      {call.error !== null ? (
        <CallRefused error={call.error} original={recorded?.traceId ?? null} />
      ) : call.isPending || call.data === undefined || call.data === null ? null : (
        <ToolResultView result={call.data.result} metadata={call.data.metadata} original={recorded?.traceId ?? null} />
      )}
      {call.error === null && <FaultLine error={check.error} />}
      {wasStopped && !call.isPending && (
        <p className="flex flex-wrap items-center gap-3 border-l-2 border-blocked-solid pl-3 text-body">
          It would not get through, so nothing was called.
          <Button onClick={() => ready() && call.mutate({ anyway: true })}>Call anyway</Button>
        </p>
      )}
      {check.data !== undefined && (
        <details open={call.data === undefined || wasStopped}>
          <summary className="cursor-pointer text-ink-2 hover:text-ink">Access check</summary>
          <div className="mt-3">
            <Explanation explanation={check.data.explanation} as={check.data.as} server={server.name} kind="tool" name={tool.name} />
          </div>
        </details>
      )}
    </div>
  );
}

/** What a call may do by the server's own words, or by what MCP has read where it says nothing. */
function riskText({ annotations, said }: Schemas['ListedTool']): string {
  const risks = [
    ['destructiveHint', 'destroys something'],
    ['openWorldHint', 'reaches beyond its server'],
  ] as const;
  const holding = risks.filter(([hint]) => annotations[hint]);
  const ofServer = holding.filter(([hint]) => said.includes(hint));
  const words = (ofServer.length > 0 ? ofServer : holding).map(([, what]) => what).join(' and ');
  return ofServer.length > 0 ? `The server says that it ${words}.` : `The server does not say otherwise, so it is assumed that it ${words}.`;
}

/** A mask that stands where a secret was must not be sent in its place. */
function allProblems(value: unknown, schema: Schema, recorded: Recorded | null): ReadonlyMap<string, string> {
  const found = new Map(problemsOf(value, schema));
  if (!(value instanceof Unparsed) && !isObject(value)) found.set('', 'Arguments must be an object.');
  if (recorded !== null) for (const at of maskedIn(value)) found.set(at, 'It was masked when recorded: enter it again.');
  return found;
}

function jsonProblem(problems: ReadonlyMap<string, string>): string | null {
  const lines = [...problems].map(([at, problem]) => (at === '' ? problem : `${at.slice(1)}: ${problem}`));
  return lines.length === 0 ? null : lines.join(' ');
}

/** What is sent otherwise than it was recorded. */
function Edits({ before, after }: { readonly before: unknown; readonly after: unknown }): ReactElement {
  const changes = after instanceof Unparsed ? [] : changesOf(before, after);
  const masked = maskedIn(after instanceof Unparsed ? before : after);
  return (
    <section aria-label="Edits" className="flex flex-col gap-2">
      {masked.length > 0 && (
        <p className="border-l-2 border-warn-solid pl-3 text-ink-2">
          Masked in the recording; enter again: <span className="font-mono text-meta text-ink">{masked.map((at) => at.slice(1)).join(', ')}</span>
        </p>
      )}
      {changes.length === 0 ? (
        <p className="text-ink-3">The arguments are unchanged.</p>
      ) : (
        <SmallTable titles={['Edited', 'Recorded', 'Now']} left={3}>
          {changes.map(({ path, before: old, after: now }) => (
            <tr key={path} className="border-t border-hairline align-top">
              <th scope="row" className="px-3 py-1 text-left font-normal">
                <code className="font-mono text-meta">{path}</code>
              </th>
              <td className="px-3 py-1 break-words text-ink-3 line-through">{old}</td>
              <td className="px-3 py-1 break-words">{now}</td>
            </tr>
          ))}
        </SmallTable>
      )}
    </section>
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Unparsed);
}
