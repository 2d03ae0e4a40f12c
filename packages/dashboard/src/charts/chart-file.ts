/** A chart as a file that stays with whoever looks at it. */
import type { Line } from './line-chart.tsx';

/** A row for each step, UTC; what is not known is empty. */
export function csvOf(times: readonly number[], lines: readonly Pick<Line, 'label' | 'values'>[]): string {
  const rows = times.map((seconds, index) => [new Date(seconds * 1000).toISOString(), ...lines.map(({ values }) => String(values[index] ?? ''))]);
  return [['time', ...lines.map(({ label }) => label)], ...rows].map((row) => `${row.join(',')}\r\n`).join('');
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
