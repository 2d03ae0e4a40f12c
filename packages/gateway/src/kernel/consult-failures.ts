/** Why a policy engine gave no answer that counts. Said to callers and counted: no address and no text of the engine is among them. */
export const consultFailures = {
  timeout: 'it does not answer in time',
  unreachable: 'it cannot be reached',
  busy: 'too many calls wait for it',
  refused: 'it refuses to be asked',
  failed: 'its policy fails',
  undefined: 'it has no such decision',
  unreadable: 'its answer is no decision',
  too_large: 'the call is larger than what it may be asked',
} as const;
export type ConsultFailure = keyof typeof consultFailures;
