import type { Log } from '../kernel/log.ts';
import type { OpaData } from '../snapshot/opa-data.ts';
import type { Consultant } from './consultant.ts';
import { createCountedConsultant } from './counted.ts';
import { openOpaBundle } from './opa-bundle.ts';
import { openOpaRest } from './opa-rest.ts';

/** The policy engine that is configured, ready to be asked. */
export function openConsultant(data: OpaData, log: Log): Consultant {
  return createCountedConsultant(data.kind === 'rest' ? openOpaRest(data) : openOpaBundle(data, log));
}
