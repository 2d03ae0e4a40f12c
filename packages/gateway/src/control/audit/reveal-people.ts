import type { AuditRecord } from '../../chain/audit-record.ts';
import { openPersonal, pseudonymsIn } from '../../chain/personal.ts';
import type { ControlContext } from '../context.ts';

/** Events for the eyes of who may read them: what is sealed with the key of a person who has not been erased is opened. */
export async function revealPeople<Event extends Pick<AuditRecord, 'detail'>>(
  { registry, organizationId }: Pick<ControlContext, 'registry' | 'organizationId'>,
  events: readonly Event[],
): Promise<readonly Event[]> {
  const pseudonyms = [...new Set(events.flatMap(({ detail }) => pseudonymsIn(detail)))];
  if (pseudonyms.length === 0) return events;
  const people = await registry.people.listByPseudonym(organizationId, pseudonyms);
  const keys = new Map(people.map(({ pseudonym, key }) => [pseudonym, key]));
  return events.map((event) => ({ ...event, detail: openPersonal(event.detail, keys) }));
}
