/**
 * Addresses that servers give to clients, of which some would do harm where a client opens or shows them (`javascript:`, `file:`, `data:` of what is
 * no picture): they are taken out of what the fabric hands on. Source: 2025-11-25 and 2026-07-28, icons and elicitation.
 */
import { each, findValues, splice, type Edit, type ValuePath } from '../kernel/splice-json.ts';
import { editObject, memberTexts } from './edit-object.ts';
import { isMembers, type Members } from './rpc-message.ts';

const serverInfoPath: ValuePath = ['_meta', 'io.modelcontextprotocol/serverInfo'];
const paths: readonly ValuePath[] = [
  serverInfoPath,
  ['tools', each, 'icons'],
  ['resources', each, 'icons'],
  ['resourceTemplates', each, 'icons'],
  ['prompts', each, 'icons'],
  ['content', each, 'icons'],
  ['messages', each, 'content', 'icons'],
  ['messages', each, 'content', each, 'icons'],
];
/** A name can be written in escapes: letters that are have a second look. */
const mayHoldAddresses = /"icons"|"websiteUrl"|\\u00[4-7]/i;

export function isWebAddress(url: unknown): boolean {
  return typeof url === 'string' && /^https?:\/\//i.test(url) && URL.canParse(url);
}

/** A `result` without icons and addresses of the server that are not safe; all other bytes stay. */
export function withSafeAddresses(result: string): string {
  // Most results name no address: they are not even looked through.
  if (!mayHoldAddresses.test(result)) return result;
  const json = Buffer.from(result);
  const edits = findValues(json, paths).flatMap(({ path, start, end }): Edit[] => {
    const before = json.toString('utf8', start, end);
    const after = paths[path] === serverInfoPath ? safeInfo(before) : safeIcons(before);
    return after === before ? [] : [{ start, end, text: after }];
  });
  return edits.length === 0 ? result : splice(json, edits).toString('utf8');
}

/** An Implementation likewise. */
export function safeInfo(info: string): string {
  if (!mayHoldAddresses.test(info) || !info.startsWith('{')) return info;
  const texts = memberTexts(info);
  const icons = texts.get('icons');
  const address = texts.get('websiteUrl');
  const safe = icons === undefined ? undefined : safeIcons(icons);
  const edits = {
    ...(safe !== icons && { icons: safe ?? null }),
    ...(address !== undefined && !isWebAddress(JSON.parse(address)) && { websiteUrl: null }),
  };
  return Object.keys(edits).length === 0 ? info : editObject(info, edits);
}

/** Whether a result asks a person to open what is no web page. */
export function asksUnsafely({ inputRequests }: Members): boolean {
  if (!isMembers(inputRequests)) return false;
  return Object.values(inputRequests).some((request) => {
    const params = isMembers(request) && request['method'] === 'elicitation/create' ? request['params'] : null;
    return isMembers(params) && params['mode'] === 'url' && !isWebAddress(params['url']);
  });
}

/** An error -32042 with what asks for consent at a web page alone. */
export function withSafeConsent(error: string, code: number): string {
  if (code !== -32_042) return error;
  const json = Buffer.from(error);
  const edits = findValues(json, [['data', 'elicitations']]).flatMap(({ start, end }): Edit[] => {
    const asked: unknown = JSON.parse(json.toString('utf8', start, end));
    if (!Array.isArray(asked)) return [];
    const safe = asked.filter((one) => isMembers(one) && isWebAddress(one['url']));
    return safe.length === asked.length ? [] : [{ start, end, text: JSON.stringify(safe) }];
  });
  return splice(json, edits).toString('utf8');
}

function safeIcons(text: string): string {
  const icons: unknown = JSON.parse(text);
  if (!Array.isArray(icons)) return text;
  const safe = icons.filter((icon) => isMembers(icon) && (isWebAddress(icon['src']) || isPicture(icon['src'])));
  return safe.length === icons.length ? text : JSON.stringify(safe);
}

/** Pictures that hold nothing but pixels; the protocol has icons carry theirs so. */
function isPicture(src: unknown): boolean {
  return typeof src === 'string' && /^data:image\/(?:png|jpeg|jpg|gif|webp)[;,]/i.test(src);
}
