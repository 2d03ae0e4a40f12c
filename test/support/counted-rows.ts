/** Rows of counted tokens, as the masking process writes them. */
import { tokenRow } from '../../packages/gateway/src/bodies/payload-row.ts';
import { principalBlock, serverBlock } from '../../packages/gateway/src/record/call-record.ts';

export interface CountedRow {
  readonly organizationId: string;
  readonly spanHex: string;
  readonly server: string;
  readonly tool: string;
  readonly input: number;
  readonly output: number;
  readonly costNano: number;
}

export function countedRow({ organizationId, spanHex, server, tool, input, output, costNano }: CountedRow): Buffer {
  const caller = { organizationId, keyId: 'key_1', keyPrefix: '', userId: '', teamId: '', projectId: '', agent: '', environment: '' };
  const empty = Buffer.alloc(0);
  const facts = {
    traceHex: spanHex.padStart(32, '0'),
    spanHex,
    startedAtUs: 5,
    method: 'tools/call',
    tool,
    sequence: 0,
    keepBytesMax: 0,
    requestBytes: 0,
    responseBytes: 0,
    isRequestCut: false,
    isResponseCut: false,
    responseType: '',
    requestHeaders: '',
    count: null,
    callCostNano: 0,
  };
  const job = { principal: principalBlock(caller), server: serverBlock('node', server, 'USD'), facts, request: empty, response: empty };
  return tokenRow(job, { input, output, source: 'counted', costNano });
}
