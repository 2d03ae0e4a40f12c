import type { ReactElement } from 'react';

interface WrittenInProps {
  readonly of: {
    readonly source: string;
    readonly file: string | null;
    readonly line: number | null;
    readonly served: boolean;
    readonly reason: string | null;
  };
}

/** Where a setting stands, and so where it is changed. */
export function WrittenIn({ of: { source, file, line, served, reason } }: WrittenInProps): ReactElement {
  const place = source === 'file' ? `${(file ?? 'gateway.yaml').split('/').at(-1) ?? 'gateway.yaml'}${line === null ? '' : `:${line}`}` : source;
  return (
    <span title={file ?? undefined} className="text-ink-2">
      {source === 'default' ? 'nowhere: the default' : place}
      {!served && <span className="text-warn"> · does not hold{reason === null ? '' : `: ${reason}`}</span>}
    </span>
  );
}
