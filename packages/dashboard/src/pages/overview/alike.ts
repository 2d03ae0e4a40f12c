/** Changes of a kind, one after the other, as one line: on a busy gateway they would hide all others. */
import type { Schemas } from '@gatewayops/sdk';

type Event = Schemas['AuditEvent'];

export interface Alike {
  readonly newest: Event;
  readonly oldest: Event;
  readonly count: number;
}

/** From one to the next of a kind at most so long. */
const gapMaxMs = 3_600_000;

/** The same done by the same with the same result, near in time. `events`: newest first; so are the lines, by their newest. */
export function alike(events: readonly Event[]): readonly Alike[] {
  const lines: Alike[] = [];
  const lineOf = new Map<string, number>();
  for (const event of events) {
    const kind = JSON.stringify([event.action, event.actor.kind, event.actor.id, event.result]);
    const place = lineOf.get(kind);
    const line = place === undefined ? undefined : lines[place];
    if (place !== undefined && line !== undefined && Date.parse(line.oldest.time) - Date.parse(event.time) <= gapMaxMs)
      lines[place] = { ...line, oldest: event, count: line.count + 1 };
    else lineOf.set(kind, lines.push({ newest: event, oldest: event, count: 1 }) - 1);
  }
  return lines;
}
