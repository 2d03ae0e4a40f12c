/** How commands end. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  denied: 4,
  unreachable: 5,
  problemsFound: 6,
  defect: 70,
  unsafe: 78,
  interrupted: 130,
} as const;

export const exitCodeMeanings: readonly (readonly [code: number, meaning: string])[] = [
  [exitCodes.ok, 'done'],
  [exitCodes.failure, 'failed'],
  [exitCodes.usage, 'wrong usage, or a configuration that cannot be read'],
  [exitCodes.notFound, 'not found'],
  [exitCodes.denied, 'not authenticated, or not allowed'],
  [exitCodes.unreachable, 'the gateway or a server cannot be reached, or did not answer in time'],
  [exitCodes.problemsFound, 'a check found problems (validate, doctor, reload, servers test, identity test, audit verify, backup verify)'],
  [exitCodes.defect, 'ended by a defect of its own; the log says which'],
  [exitCodes.unsafe, 'refused to start, because it would not be safe'],
  [exitCodes.interrupted, 'interrupted'],
];
