/** A chart as a file that stays with whoever looks at it. */
import type { Line } from './line-chart.tsx';

/** A row for each step, UTC; what is not known is empty. */
export function csvOf(times: readonly number[], lines: readonly Pick<Line, 'label' | 'values'>[]): string {
  const rows = times.map((seconds, index) => [new Date(seconds * 1000).toISOString(), ...lines.map(({ values }) => String(values[index] ?? ''))]);
  return [['time', ...lines.map(({ label }) => fieldText(label))], ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

/** Names of tools are their servers' choice: none ends its column, none is run as a formula by what opens the file. */
function fieldText(name: string): string {
  const safe = /^[=+\-@\t\r]/.test(name) ? `'${name}` : name;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
