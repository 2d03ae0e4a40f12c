import type { ReactElement } from 'react';

/** The first row of a table: `left` columns of words, then figures, which stand at the right. */
export function TableHead({
  titles,
  left,
  sticky = false,
}: {
  readonly titles: readonly string[];
  readonly left: number;
  readonly sticky?: boolean;
}): ReactElement {
  return (
    <thead className={`bg-sunken text-meta text-ink-3 ${sticky ? 'sticky top-0' : ''}`}>
      <tr>
        {titles.map((title, index) => (
          <th key={title} scope="col" className={`h-8 px-3 font-normal whitespace-nowrap ${index < left ? 'text-left' : 'text-right'}`}>
            {title}
          </th>
        ))}
      </tr>
    </thead>
  );
}
