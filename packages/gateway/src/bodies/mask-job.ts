import { isUtf8 } from 'node:buffer';
import { bounds } from '../kernel/bounds.ts';
import type { BodyPart } from '../masking/leaves.ts';
import type { MaskedBodies, MaskedText } from '../masking/masker.ts';
import type { BodyJob } from './body-job.ts';
import { payloadRow } from './payload-row.ts';

/** The bodies of a job as they are looked at: request, response and, where there are any, the request's headers. What is no text is given as a reason. */
export interface JobParts {
  readonly parts: readonly BodyPart[];
  /** Index into `parts`; null where there is none. */
  readonly request: number | null;
  readonly response: number | null;
  readonly headers: number | null;
}

export function partsOf({ facts, request, response }: BodyJob): JobParts {
  const parts: BodyPart[] = [];
  const add = (part: BodyPart | null): number | null => (part === null ? null : parts.push(part) - 1);
  const bytesMax = facts.keepBytesMax + bounds.recordOverlapBytes;
  return {
    parts,
    request: add(partOf('request', 'application/json', request, facts.isRequestCut, bytesMax)),
    response: add(partOf('response', facts.responseType, response, facts.isResponseCut, bytesMax)),
    headers: add(facts.requestHeaders === '' ? null : { name: 'headers', text: facts.requestHeaders, form: 'headers', isCut: false }),
  };
}

function partOf(name: string, type: string, bytes: Buffer, isCut: boolean, bytesMax: number): BodyPart | null {
  const isLonger = bytes.length > bytesMax;
  const text = textOf(isLonger ? bytes.subarray(0, bytesMax) : bytes, isCut || isLonger);
  if (text === null) return null;
  return { name, text, form: formOf(type), isCut: isCut || isLonger };
}

function formOf(type: string): BodyPart['form'] {
  if (type.startsWith('text/event-stream')) return 'events';
  return /^application\/(?:[\w.+-]+\+)?json/i.test(type) ? 'json' : 'text';
}

/** Null where it is no UTF-8. Of what is cut, a last character that is cut too does not count. */
function textOf(bytes: Buffer, isCut: boolean): string | null {
  for (let less = 0; less <= (isCut ? 3 : 0); less++) {
    const whole = bytes.subarray(0, bytes.length - less);
    if (isUtf8(whole)) return whole.toString('utf8');
  }
  return null;
}

/** What is written of a job whose bodies are kept. */
export function payloadRows(job: BodyJob, { request, response, headers }: JobParts, { texts, masked }: MaskedBodies, source: string): Buffer[] {
  const { facts } = job;
  const textAt = (index: number | null): MaskedText => (index === null ? { notKept: 'not_text' } : (texts[index] ?? { notKept: 'failed' }));
  const headerText = headers === null ? null : textAt(headers);
  return [
    payloadRow(job, source, {
      kind: 'request',
      contentType: 'application/json',
      headers: headerText !== null && 'text' in headerText ? headerText.text : '',
      bytes: facts.requestBytes,
      ...kept(textAt(request), facts.keepBytesMax, facts.isRequestCut),
      masked: masked.filter(({ part }) => part !== 'response'),
    }),
    payloadRow(job, source, {
      kind: 'response',
      contentType: facts.responseType,
      headers: '',
      bytes: facts.responseBytes,
      ...kept(textAt(response), facts.keepBytesMax, facts.isResponseCut),
      masked: masked.filter(({ part }) => part === 'response'),
    }),
  ];
}

function kept(text: MaskedText, bytesMax: number, isCut: boolean): { readonly text: string; readonly isTruncated: boolean; readonly notKept: string } {
  if ('notKept' in text) return { text: '', isTruncated: false, notKept: text.notKept };
  const bytes = Buffer.from(text.text);
  if (bytes.length <= bytesMax) return { text: text.text, isTruncated: isCut || text.isCut, notKept: '' };
  return { text: textOf(bytes.subarray(0, bytesMax), true) ?? '', isTruncated: true, notKept: '' };
}
