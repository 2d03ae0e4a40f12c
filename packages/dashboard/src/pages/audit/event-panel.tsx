import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Clock } from '../../time/time.tsx';
import { Id } from '../../ui/copy.tsx';
import { Fact, factList } from '../../ui/fact.tsx';
import { PanelBody, SidePanel } from '../../ui/side-panel.tsx';
import { JsonView } from '../trace/json-view.tsx';
import type { AuditEvent } from './audit.tsx';
import { changesOf, nameIn } from './changes-of.ts';

interface EventPanelProps {
  readonly event: AuditEvent;
  readonly onClose: () => void;
  readonly onFilter: (next: { actor?: string; object?: string; action?: string }) => void;
}

/** One event: what was before and after, and what proves it. */
export function EventPanel({ event, onClose, onFilter }: EventPanelProps): ReactElement {
  const { before, after, trace_id: traceId, policy } = event.detail;
  const changes = changesOf(before, after);
  const name = nameIn(event.detail);
  const link = 'text-accent hover:underline break-all text-left';
  return (
    <SidePanel name="The event">
      <PanelBody title={event.action} onClose={onClose}>
        <dl className={factList}>
          <Fact name="When">
            <Clock time={event.time} />
          </Fact>
          <Fact name="Who">
            {event.actor.name !== null && <>{event.actor.name} </>}
            <button type="button" className={link} onClick={() => onFilter({ actor: event.actor.id })}>
              {event.actor.id || event.actor.kind}
            </button>
          </Fact>
          <Fact name="What">
            <button type="button" className={link} onClick={() => onFilter({ object: event.object.id })}>
              {event.object.kind} {event.object.id}
            </button>
          </Fact>
          {name !== null && name !== event.object.id && <Fact name="Name">{name}</Fact>}
          <Fact name="Result">{event.result}</Fact>
          {typeof traceId === 'string' && (
            <Fact name="Trace">
              <Link to="/traces/$traceId" params={{ traceId }} className={link}>
                {traceId}
              </Link>
            </Fact>
          )}
          {typeof policy === 'string' && policy !== '' && !policy.startsWith('switched-off:') && (
            <Fact name="Decided by">
              <Link to="/policies" search={{ rule: policy }} className={link}>
                {policy}
              </Link>
            </Fact>
          )}
          <Fact name="Address">{event.ip ?? 'this machine'}</Fact>
          {event.request_id !== null && (
            <Fact name="Request">
              <Id id={event.request_id} />
            </Fact>
          )}
          <Fact name="Position">{event.sequence === null ? 'in the chain of calls' : `#${event.sequence}`}</Fact>
          {event.hash !== null && (
            <Fact name="Hash">
              <Id id={event.hash} />
            </Fact>
          )}
        </dl>
        {changes.length > 0 && (
          <section>
            <h3 className="mb-1 font-semibold">What changed</h3>
            <table className="w-full table-fixed border-y border-hairline text-meta">
              <thead className="text-ink-3">
                <tr>
                  <th scope="col" className="w-1/4 py-1 text-left font-normal">
                    Field
                  </th>
                  <th scope="col" className="py-1 text-left font-normal">
                    Before
                  </th>
                  <th scope="col" className="py-1 text-left font-normal">
                    After
                  </th>
                </tr>
              </thead>
              <tbody>
                {changes.map(({ path, before: old, after: now }) => (
                  <tr key={path} className="border-t border-hairline align-top">
                    <th scope="row" className="py-1 pr-2 text-left font-medium break-words">
                      {path}
                    </th>
                    <td className="py-1 pr-2 font-mono break-words text-ink-2 line-through decoration-control">{old}</td>
                    <td className="py-1 font-mono break-words">{now}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        )}
        <section>
          <h3 className="mb-1 font-semibold">The record</h3>
          <JsonView text={JSON.stringify(event)} />
        </section>
      </PanelBody>
    </SidePanel>
  );
}
