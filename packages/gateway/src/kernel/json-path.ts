/** The step that stands for every item of a list. */
export const everyItem = '*';

/**
 * The steps of a path into JSON: member names joined by dots, `*` for every item of a list (`filter.region`, `content.*.text`). One that
 * begins with `/` is a JSON Pointer (RFC 6901), for names that hold a dot. Null where it is neither.
 */
export function parsePath(text: string): readonly string[] | null {
  if (!text.startsWith('/')) {
    const steps = text.split('.');
    return steps.includes('') ? null : steps;
  }
  if (/~(?![01])/.test(text)) return null;
  return text
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}
