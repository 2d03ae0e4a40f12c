import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement, ReactNode } from 'react';
import { Mark, Rail, type Status } from '../../rail/rail.tsx';
import { ReferenceLink } from '../people/entry-words.tsx';
import { AllowThis } from '../policies/allow-this.tsx';
import { RuleName } from './rule-name.tsx';
import { SmallTable } from '../../ui/small-table.tsx';

type Explained = Schemas['AccessExplanation'];
type Bearing = Explained['rules'][number]['bearing'];

const decisions: Readonly<Record<Explained['decision'], { readonly word: string; readonly status: Status }>> = {
  allow: { word: 'Allowed', status: 'success' },
  deny: { word: 'Denied', status: 'blocked' },
  hold: { word: 'Held for approval', status: 'waiting' },
};

const bearings: Readonly<Record<Bearing, string>> = {
  speaks: 'applies to this call',
  other_caller: 'applies to other callers',
  other_server: 'applies to other servers',
  other_operation: 'applies to other operations',
  condition_not_met: 'its condition is not met',
  condition_unknown: 'its condition needs more than is given here',
  ended: 'is over',
};

interface ExplanationProps {
  readonly explanation: Explained;
  readonly as: string;
  readonly server: string;
  readonly kind: 'tool' | 'resource' | 'prompt';
  readonly name: string;
}

/** The answer in one sentence, then what it is made of. */
export function Explanation({ explanation, as, server, kind, name }: ExplanationProps): ReactElement {
  const { decision, stop, rule, reason, hidden, stops, rules, changes, tool, engine } = explanation;
  // Rules may allow what does not come through all the same: a key that is over, a server that is down.
  const isThrough = decision === 'allow' && stop === null;
  const firstStop = stops.findIndex(({ outcome }) => outcome !== 'pass');
  const { word, status } = decision === 'allow' && !isThrough ? { word: 'Allowed, but would not get through', status: 'error' as const } : decisions[decision];
  return (
    <div className="flex flex-col gap-6">
      <section aria-label="The decision" className="flex flex-col gap-2 border-y border-hairline bg-surface px-4 py-4">
        <Rail stop={stop ?? 'reply'} status={status} large />
        <h2 className="text-title font-semibold" data-decision={decision}>
          {word}
        </h2>
        <p className="max-w-[80ch] text-body">
          {subject(as)} → {kind} <code className="font-mono text-table break-all">{name}</code> of {server}: {reason.replace(/\.$/, '')}.
          {hidden && ' The caller is told that it does not exist.'}
        </p>
        {rule !== null && (
          <p className="text-ink-2">
            Decided by <RuleName name={rule} isPolicy={engine === null || engine.name !== rule} />
          </p>
        )}
        {decision !== 'allow' && (
          <div>
            <AllowThis stopped={{ as, server, kind, name, rule }} />
          </div>
        )}
        {changes.length > 0 && !isThrough && (
          <div className="text-ink-2">
            <p>It would be allowed by:</p>
            <ul className="ml-5 list-disc">
              {changes.map((change) => (
                <li key={change}>{change}</li>
              ))}
            </ul>
          </div>
        )}
      </section>
      <Table title="Stop by stop" head={['Stop', 'Outcome', 'Why']}>
        {stops.map((one, index) => (
          <tr key={one.stop} className="h-(--row) border-t border-hairline align-top">
            <th scope="row" className="px-3 py-1.5 text-left font-medium capitalize">
              {one.stop}
            </th>
            <td className="px-3 py-1.5 whitespace-nowrap">
              <Outcome
                status={one.outcome === 'pass' ? 'success' : one.stop === 'access' && decision === 'hold' ? 'waiting' : 'blocked'}
                word={one.outcome !== 'pass' ? 'stops' : index > firstStop && firstStop !== -1 ? 'would pass' : 'passes'}
              />
            </td>
            <td className="px-3 py-1.5">{one.reason}</td>
          </tr>
        ))}
      </Table>
      {engine !== null && (
        <p className="text-ink-2">
          The policy engine {engine.name} says {engine.decision === 'none' ? 'nothing decisive' : engine.decision}
          {engine.reason !== null && `: ${engine.reason}`}
          {engine.decision_id !== null && <span className="text-ink-3"> (decision {engine.decision_id})</span>}.
        </p>
      )}
      {rules.length === 0 ? (
        <p className="text-ink-2">There are no access rules: whatever keys and roles permit is allowed.</p>
      ) : (
        <Table title="Rules, in the order of evaluation" head={['Rule', 'Effect', 'Here', 'Decides']}>
          {rules.map((one) => (
            <tr key={one.name} className={`h-(--row) border-t border-hairline align-top ${one.bearing === 'speaks' ? '' : 'text-ink-3'}`}>
              <th scope="row" className="px-3 py-1.5 text-left font-normal">
                <RuleName name={one.name} isPolicy />
              </th>
              <td className="px-3 py-1.5">{one.effect}</td>
              <td className="px-3 py-1.5">{bearings[one.bearing]}</td>
              <td className="px-3 py-1.5">{one.decided ? <strong className="font-semibold">decides</strong> : ''}</td>
            </tr>
          ))}
        </Table>
      )}
      {tool !== null && (
        <p className="text-ink-2">
          About the tool{tool.title === '' ? '' : ` “${tool.title}”`}: risk {tool.risk}
          {tool.said.length > 0 &&
            `; its server says ${tool.said.map((hint) => `${hint} ${tool.annotations[hint as keyof typeof tool.annotations] ? 'yes' : 'no'}`).join(', ')}`}
          .
        </p>
      )}
    </div>
  );
}

function subject(as: string): ReactElement {
  return as.startsWith('key_') ? <>the key {as}</> : <ReferenceLink reference={as} />;
}

function Outcome({ status, word }: { readonly status: Status; readonly word: string }): ReactElement {
  return (
    <span className="inline-flex items-center gap-1.5">
      <svg viewBox="0 0 12 12" width={12} height={12} aria-hidden="true" className="shrink-0">
        <Mark status={status} />
      </svg>
      {word}
    </span>
  );
}

function Table({ title, head, children }: { readonly title: string; readonly head: readonly string[]; readonly children: ReactNode }): ReactElement {
  return (
    <section>
      <h2 className="mb-2 text-section font-semibold">{title}</h2>
      <SmallTable titles={head} left={head.length}>
        {children}
      </SmallTable>
    </section>
  );
}
