import type { ReactElement } from 'react';

interface Written {
  readonly source: string;
  readonly file: string | null;
  readonly line: number | null;
}

interface WrittenInProps {
  readonly of: Written & {
    readonly served: boolean;
    readonly reason: string | null;
  };
}

/** `gateway.yaml:12`, else what says it. */
export function placeText({ source, file, line }: Written): string {
  return source === 'file' ? `${(file ?? 'gateway.yaml').split('/').at(-1) ?? 'gateway.yaml'}${line === null ? '' : `:${line}`}` : source;
}

/** Where a setting stands, and so where it is changed. */
export function WrittenIn({ of }: WrittenInProps): ReactElement {
  const { source, file, served, reason } = of;
  return (
    <span title={file ?? undefined} className="text-ink-2">
      {source === 'default' ? 'default' : placeText(of)}
      {!served && <span className="text-warn"> · inactive{reason === null ? '' : `: ${reason}`}</span>}
    </span>
  );
}
