import type { ReactElement } from 'react';
import { Rail, type Status } from '../../rail/rail.tsx';

/** Where a call would end by what is known of its server; what is not here gets through. */
const ends: Readonly<Record<string, readonly [stop: string, status: Status]>> = {
  off: ['access', 'blocked'],
  starting: ['server', 'waiting'],
  failed: ['server', 'error'],
  unanswered: ['server', 'error'],
  unknown: ['server', 'unknown'],
};

/** How far calls of a server come. Its state stands beside it in words, so that it is read only once. */
export function HealthRail({ state }: { readonly state: string }): ReactElement {
  const [stop, status] = ends[state] ?? ['reply', 'success'];
  return (
    <span aria-hidden="true" className="flex items-center">
      <Rail stop={stop} status={status} />
    </span>
  );
}
