/**
 * Values of `Mcp-Name` and `Mcp-Param-*` (SEP-2243): optional white space around them, and the Base64 sentinel
 * `=?base64?…?=` for text that is unsafe in a header. A marker in another letter case is literal text.
 */
const prefix = '=?base64?';
const suffix = '?=';
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The text that a header value stands for, or null where it is a broken sentinel. */
export function decodeHeaderValue(value: string): string | null {
  const trimmed = trimOptionalSpace(value);
  if (!isBase64Form(trimmed)) return trimmed;
  const encoded = trimmed.slice(prefix.length, -suffix.length);
  if (!base64.test(encoded)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(encoded, 'base64'));
  } catch {
    return null;
  }
}

/** Whether a value is to be decoded, well formed or not. */
export function isBase64Form(value: string): boolean {
  return value.startsWith(prefix) && value.endsWith(suffix) && value.length >= prefix.length + suffix.length;
}

/** SP and HTAB around a field value (RFC 9110 section 5.6.3), in linear time. */
export function trimOptionalSpace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isOptionalSpace(value.charCodeAt(start))) start++;
  while (end > start && isOptionalSpace(value.charCodeAt(end - 1))) end--;
  return start === 0 && end === value.length ? value : value.slice(start, end);
}

function isOptionalSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Text as a header value: as it is where that is safe, else in the Base64 sentinel. */
export function encodeHeaderValue(text: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !isBase64Form(text);
  return plain ? text : `${prefix}${Buffer.from(text, 'utf8').toString('base64')}${suffix}`;
}
