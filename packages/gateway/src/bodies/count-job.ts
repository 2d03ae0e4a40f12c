import { membersOf } from '../kernel/splice-json.ts';
import { countTokens } from '../tokens/count-tokens.ts';
import type { BodyJob } from './body-job.ts';
import { tokenRow } from './payload-row.ts';

/**
 * The tokens of a call of a tool that reported none: of its arguments as JSON, and of the text of its result; of a result without text, of its
 * structured content. Of what was too long to be handed over, in proportion (`estimated`). Null where they are not to be counted.
 */
export async function countedTokens(job: BodyJob): Promise<Buffer | null> {
  const { facts, request, response } = job;
  const price = facts.count;
  if (price === null) return null;
  const input = facts.isRequestCut ? await share(request, facts.requestBytes) : await countTokens(argumentsText(request));
  const output = facts.isResponseCut ? await share(response, facts.responseBytes) : await countTokens(resultText(response, facts.responseType));
  const nano = input * price.perInput + output * price.perOutput;
  return tokenRow(job, {
    input,
    output,
    source: facts.isRequestCut || facts.isResponseCut ? 'estimated' : 'counted',
    costNano: price.by === '' ? 0 : Math.min(nano, Number.MAX_SAFE_INTEGER),
  });
}

async function share(part: Buffer, bytes: number): Promise<number> {
  const tokens = await countTokens(part.toString('utf8'));
  return part.length === 0 ? 0 : Math.round((tokens * Math.max(bytes, part.length)) / part.length);
}

/** As they were written: in `params` of MCP, at the top of a body of the REST façade. */
function argumentsText(json: Buffer): string {
  const params = memberOf(json, 'params') ?? json;
  return memberOf(params, 'arguments')?.toString('utf8') ?? '';
}

function resultText(response: Buffer, type: string): string {
  const result = memberOf(type.startsWith('text/event-stream') ? lastMessage(response) : response, 'result');
  if (result === undefined) return '';
  try {
    const { content, structuredContent } = JSON.parse(result.toString('utf8')) as { readonly content?: unknown; readonly structuredContent?: unknown };
    const texts = Array.isArray(content) ? content.flatMap((block: unknown) => (hasText(block) ? [block.text] : [])) : [];
    if (texts.length > 0) return texts.join('\n');
    return structuredContent === undefined ? '' : JSON.stringify(structuredContent);
  } catch {
    return '';
  }
}

function hasText(block: unknown): block is { readonly text: string } {
  return typeof block === 'object' && block !== null && 'text' in block && typeof block.text === 'string';
}

/** The response comes last in a stream (MCP, transports). */
function lastMessage(events: Buffer): Buffer {
  const data = [...events.toString('utf8').matchAll(/^data: ?(.*)$/gm)].map((match) => match[1] ?? '');
  return Buffer.from(data.findLast((one) => one.includes('"result"')) ?? '');
}

function memberOf(json: Buffer, key: string): Buffer | undefined {
  const found = membersOf(json).findLast((member) => member.key === key);
  return found === undefined ? undefined : json.subarray(found.valueStart, found.end);
}
