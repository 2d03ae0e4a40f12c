export interface Column {
  readonly title: string;
  readonly align?: 'right';
}

/** Aligned columns under dimmed titles. Cells may be painted: colours do not count as width. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], dim: (text: string) => string): string {
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...rows.map((row) => width(row[index] ?? ''))));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => {
        const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - width(cell)));
        return columns[index]?.align === 'right' ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  return [dim(line(columns.map(({ title }) => title))), ...rows.map(line)].join('\n');
}

function width(cell: string): number {
  // eslint-disable-next-line no-control-regex -- the escape sequences of colours begin with ESC
  return cell.replaceAll(/\u001b\[\d+m/g, '').length;
}
