/**
 * What a server of 2026-07-28 says, in the words of the versions before. Sources: the changelog of 2026-07-28, SEP-2106 (schemas and
 * structured content of any kind), SEP-2549. What is not named here keeps its bytes.
 */
import type { Ask, ServerFacts } from '../fabric/dialogue.ts';
import { editObject, memberTexts } from '../fabric/edit-object.ts';
import { gatewayInfo } from '../fabric/translate.ts';
import { each, findValues, objectOf, splice } from '../kernel/splice-json.ts';

/** The result of `initialize`. */
export function initializeResult(version: string, { capabilities, instructions, info }: ServerFacts): string {
  return objectOf([
    ['protocolVersion', JSON.stringify(version)],
    ['capabilities', editObject(capabilities, { extensions: null, ...(version < '2025-03-26' && { completions: null }) })],
    ['serverInfo', info ?? gatewayInfo],
    ...(instructions === null ? [] : [['instructions', JSON.stringify(instructions)] as const]),
  ]);
}

export function legacyResult(method: string, result: string): string {
  const edits: Record<string, string | null> = { resultType: null, ttlMs: null, cacheScope: null };
  const members = memberTexts(result);
  const content = members.get('structuredContent');
  if (method === 'tools/call' && content !== undefined && !content.startsWith('{')) edits['structuredContent'] = `{"result":${content}}`;
  const tools = members.get('tools');
  if (method === 'tools/list' && tools?.includes('"outputSchema"') === true) edits['tools'] = legacyTools(tools);
  return editObject(result, edits);
}

/** Before 2026-07-28 the schema of a tool's output is that of an object: any other is put into one, as its results are. */
function legacyTools(tools: string): string {
  const list = JSON.parse(tools) as { outputSchema?: { type?: unknown } }[];
  if (list.every(({ outputSchema }) => outputSchema === undefined || outputSchema.type === 'object')) return tools;
  return JSON.stringify(
    list.map(({ outputSchema, ...tool }) => {
      if (outputSchema === undefined) return tool;
      if (outputSchema.type === 'object') return { ...tool, outputSchema };
      // Pointers of the schema would lead nowhere in another place, and without a type results may be objects: then it is left out.
      if (typeof outputSchema.type !== 'string' || /"\$(?:ref|dynamicRef)"/.test(JSON.stringify(outputSchema))) return tool;
      return { ...tool, outputSchema: { type: 'object', properties: { result: outputSchema }, required: ['result'] } };
    }),
  );
}

/** A resource that is not there had a code of its own. */
export function legacyError(method: string, error: string, code: number): string {
  return method === 'resources/read' && code === -32_602 ? editObject(error, { code: '-32002' }) : error;
}

/** `params` of a question; a URL is asked for under an id, which a server of 2026-07-28 does not give. */
export function legacyAsk({ params, key }: Ask, mapped: (elicitationId: string) => string): string {
  const members = memberTexts(params);
  if (members.get('mode') !== '"url"') return params;
  const given: unknown = JSON.parse(members.get('elicitationId') ?? 'null');
  return editObject(params, { elicitationId: JSON.stringify(mapped(typeof given === 'string' ? given : `question ${key}`)) });
}

/** An error that asks for consent at addresses, with the client's id of each. */
export function mapElicitations(error: string, code: number, mapped: (elicitationId: string) => string): string {
  if (code !== -32_042) return error;
  const json = Buffer.from(error);
  const edits = findValues(json, [['data', 'elicitations', each, 'elicitationId']]).flatMap(({ start, end }) => {
    const id: unknown = JSON.parse(json.toString('utf8', start, end));
    return typeof id === 'string' ? [{ start, end, text: JSON.stringify(mapped(id)) }] : [];
  });
  return splice(json, edits).toString('utf8');
}
