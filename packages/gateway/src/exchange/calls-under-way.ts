import { authoriseServer } from '../authorise/authorise.ts';
import type { Principal } from '../authenticate/authenticate.ts';
import { bounds } from '../kernel/bounds.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import { inSlices } from '../kernel/slices.ts';
import type { Snapshot } from '../snapshot/compile-snapshot.ts';
import { knownTool } from './known-tool.ts';
import type { Call } from './rail.ts';
import { takesCaller } from './take-credential.ts';

/** The calls and streams of a worker that have begun and not ended. */
export interface CallsUnderWay {
  readonly size: number;
  add(call: Call): void;
  delete(call: Call): void;
  /** Something of a credential has changed, or with null of anything: what could not be begun now is ended. */
  recheck(credentialId: string | null): void;
}

/** `current`: by what a call would be decided now. */
export function createCallsUnderWay(current: () => Snapshot): CallsUnderWay {
  const calls = new Set<Call>();

  /** Of thousands of calls each costs a look at least: others have their turn meanwhile. */
  function* recheckAll(): Generator<void, void> {
    const open = Array.from(calls);
    for (const call of open) {
      if (call.principal !== null) void recheck(call, call.principal);
      yield;
    }
  }

  async function recheck(call: Call, principal: Principal): Promise<void> {
    const fault = await refusalNow(call, principal, current);
    if (fault === null || !calls.has(call) || call.response.writableEnded) return;
    call.revoked = fault;
    call.rail.log.info('call.revoked', { ...call.logFields, key_id: principal.data.keyId, code: fault.code });
    if (call.refuse !== null) call.refuse(fault);
    // As if the client had left, which every way of a reply knows; it may come again, and is told why it may not.
    else call.response.destroy();
  }

  return {
    get size() {
      return calls.size;
    },
    add: (call) => void calls.add(call),
    delete: (call) => void calls.delete(call),
    recheck(credentialId) {
      if (credentialId === null) return void inSlices(recheckAll(), bounds.snapshotSliceMs);
      for (const call of calls) {
        const { principal } = call;
        // One that is not known yet is about to be asked.
        if (principal !== null && principal.data.credentialId === credentialId) void recheck(call, principal);
      }
    },
  };
}

/** Why the call could not be begun now; null: it could, or nobody can tell. */
async function refusalNow(call: Call, principal: Principal, current: () => Snapshot): Promise<Fault | null> {
  const { rail, inbound, record, server } = call;
  let now = principal;
  if (principal.data.kind !== 'anonymous') {
    try {
      const found = rail.authenticator.authenticate(inbound.authorization, record.peer, inbound.certificate);
      // One that is known is not waited for: a slice ends when its work is done, not before.
      now = found instanceof Promise ? await found : found;
    } catch (error) {
      const fault = asFault(error);
      return fault.code === 'unauthorized' || fault.code === 'too_many_wrong_keys' ? fault : null;
    }
  }
  const snapshot = current();
  const { access, data, byName } = snapshot;
  const reaches = (name: string): boolean => {
    const known = byName.get(name);
    return (known === undefined || takesCaller(known, now)) && authoriseServer(snapshot, now, name).decision === 'allow';
  };
  const isFree =
    server === null
      ? data.servers.some(({ name }) => reaches(name))
      : reaches(server.data.name) &&
        (record.method !== 'tools/call' || access.viewOf(now).shows(server.data.name, 'tool', record.name, () => knownTool(call, server, record.name)));
  return isFree ? null : new Fault('forbidden', { reason: 'no policy allows it any more' });
}
