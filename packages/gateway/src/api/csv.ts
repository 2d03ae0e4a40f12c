/**
 * CSV (RFC 4180): a header, lines that end in CRLF, fields in quotes where they must be. Names come from agents and servers: one
 * that a spreadsheet would run as a formula gets an apostrophe before it, which spreadsheets do not show.
 */
export function csv(header: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  return [header, ...rows].map((fields) => `${fields.map(field).join(',')}\r\n`).join('');
}

function field(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const isNumber = /^-?\d+(?:\.\d+)?$/.test(value);
  const text = !isNumber && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Whether CSV is wanted: by `?format=csv`, or by an Accept that names it before JSON. */
export function wantsCsv(format: 'json' | 'csv' | undefined, accept: string | undefined): boolean {
  if (format !== undefined) return format === 'csv';
  const types = (accept ?? '').split(',').map((part) => part.split(';')[0]?.trim().toLowerCase());
  const at = types.indexOf('text/csv');
  const json = types.findIndex((type) => type === 'application/json');
  return at >= 0 && (json < 0 || at < json);
}
