/** What a spreadsheet would take for a formula, also behind spaces (https://owasp.org/www-community/attacks/CSV_Injection). */
const formula = /^\s*[=+\-@\t\r\n|%]/;

/**
 * One line of CSV (RFC 4180) without its end. A text that a spreadsheet would calculate gets an apostrophe before it; numbers,
 * negative ones too, stay numbers.
 */
export function csvLine(values: readonly unknown[]): string {
  return values.map(cell).join(',');
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return JSON.stringify(value);
  const text = formula.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) || text.trim() !== text ? `"${text.replaceAll('"', '""')}"` : text;
}
