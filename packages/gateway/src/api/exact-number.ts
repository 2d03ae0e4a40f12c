/**
 * A JSON number with every digit of a decimal text: the runtime's own numbers would round it. JSON.stringify writes it as it
 * is (https://tc39.es/proposal-json-parse-with-source/); it is typed as the number it is in the answer, and is for answers
 * only, never for arithmetic.
 */
export function exactNumber(decimal: string): number {
  return (JSON as unknown as { rawJSON(text: string): number }).rawJSON(decimal);
}
