import { faultCodes, type FaultRow } from '../packages/gateway/src/kernel/fault-codes.ts';

/** What the SDK knows of each fault: the SDK imports nothing of the gateway, so it gets a table of its own. */
export function renderSdkFaults(): string {
  const rows = Object.entries<FaultRow>(faultCodes).map(([code, { owner, retryable }]) => `  ${code}: { owner: '${owner}', retryable: ${retryable} },`);
  return `// Written by tools/generate-docs.ts from packages/gateway/src/kernel/fault-codes.ts. Change it there.

/** Whose each fault is, and whether the same request can succeed later. */
export const faultTable = {
${rows.join('\n')}
} as const;

export type FaultCode = keyof typeof faultTable;
`;
}
