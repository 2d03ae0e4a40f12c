/** What a page or a part of it shows when it has nothing else to show: loading, nothing there, failed, denied. */
import { useQueryClient } from '@tanstack/react-query';
import { GatewayOpsError } from '@gatewayops/sdk';
import { Lock, OctagonAlert, RotateCw } from 'lucide-react';
import { useEffect, useState, type ReactElement, type ReactNode } from 'react';
import { useCapability, type Capability } from '../app/session.ts';
import type { Column } from '../table/data-table.tsx';
import { Button } from './button.tsx';
import { CopyButton, copyText } from './copy.tsx';

const stateInset = 'px-[var(--state-inset,0.75rem)] sm:px-[var(--state-inset,1rem)]';

export interface SkeletonProps {
  readonly rows?: number;
  readonly label?: string;
  /** Of the list that is on its way: its titles stand already, and the bars below them. */
  readonly columns?: readonly Pick<Column<never>, 'id' | 'title' | 'track' | 'isNumber'>[] | undefined;
}

/** Bars where rows will be, after a moment: what comes at once shows no flicker. */
export function Skeleton({ rows = 8, label = 'Loading', columns }: SkeletonProps): ReactElement {
  const shown = useAfter(150);
  if (columns !== undefined)
    return (
      <div
        role="status"
        aria-label={label}
        className="min-h-0 w-full flex-1 overflow-hidden bg-surface"
        style={{ ['--tracks' as string]: columns.map(({ track }) => track).join(' ') }}
      >
        <div
          aria-hidden="true"
          className="grid h-8 min-w-fit grid-cols-(--tracks) items-center gap-x-4 border-b border-hairline bg-sunken px-3 text-meta text-ink-3"
        >
          {columns.map(({ id, title, isNumber }) => (
            <div key={id} className={`truncate ${isNumber === true ? 'text-right' : ''}`}>
              {title}
            </div>
          ))}
        </div>
        {shown &&
          Array.from({ length: rows }, (_, index) => (
            <div key={index} className="grid h-(--row) min-w-fit grid-cols-(--tracks) items-center gap-x-4 border-b border-hairline px-3">
              {columns.map(({ id, isNumber }, place) => (
                <span
                  key={id}
                  className={`h-2.5 animate-[waiting_1.6s_ease-in-out_infinite] rounded-control bg-sunken ${isNumber === true ? 'ml-auto' : ''}`}
                  style={{ width: `${40 + ((index * 37 + place * 23) % 45)}%` }}
                />
              ))}
            </div>
          ))}
      </div>
    );
  return (
    <div role="status" aria-label={label} className="w-full px-3 py-2">
      {shown &&
        Array.from({ length: rows }, (_, index) => (
          <div key={index} className="flex h-(--row) w-full animate-[waiting_1.6s_ease-in-out_infinite] items-center gap-4">
            <span className="h-2.5 w-16 rounded-control bg-sunken" />
            <span className="h-2.5 w-20 rounded-control bg-sunken" />
            <span className="h-2.5 flex-1 rounded-control bg-sunken" style={{ maxWidth: `${40 + ((index * 37) % 40)}%` }} />
            <span className="h-2.5 w-12 rounded-control bg-sunken" />
          </div>
        ))}
    </div>
  );
}

interface EmptyProps {
  readonly title: string;
  /** The page has nothing but this: it is its heading. */
  readonly isPage?: boolean;
  readonly children?: ReactNode;
}

/** In line with the headings of the page: where those keep a distance to its edges that holds for all, `--state-inset` is 0, and the page's own rhythm is enough. */
export function Empty({ title, isPage = false, children }: EmptyProps): ReactElement {
  return (
    <div className={`flex flex-col items-start ${isPage ? 'gap-3 py-12' : 'gap-2 py-[max(0.5rem,calc(var(--state-inset,1rem)*2))]'} ${stateInset}`}>
      {isPage ? <h1 className="text-title font-semibold">{title}</h1> : <p className="text-body font-medium">{title}</p>}
      {children !== undefined && <div className="max-w-[72ch] text-table text-ink-2">{children}</div>}
    </div>
  );
}

/** A command to paste. */
export function Command({ text }: { readonly text: string }): ReactElement {
  return (
    <div className="my-2 flex max-w-full items-start justify-between gap-2 rounded-panel border border-hairline bg-surface py-1.5 pr-1.5 pl-3">
      <code className="min-w-0 py-0.5 font-mono text-meta break-words whitespace-pre-wrap">{text}</code>
      <CopyButton text={text} label="Copy the command" />
    </div>
  );
}

/** A part of the gateway that is not there yet, or not now; what needs it is asked for again until it is. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof GatewayOpsError && error.code === 'unavailable';
}

/** What went wrong, why, and what mends it; the id is what support asks for. */
export function ErrorCard({ error, onRetry, what }: { readonly error: unknown; readonly onRetry?: () => void; readonly what: string }): ReactElement {
  const queries = useQueryClient();
  const ours = error instanceof GatewayOpsError ? error : null;
  if (ours?.code === 'forbidden') return <Empty title={`No access: ${ours.message}`}>{ours.fix}</Empty>;
  const requestId = ours !== null && 'requestId' in ours && typeof ours.requestId === 'string' ? ours.requestId : null;
  const message = error instanceof Error ? error.message : String(error);
  const diagnostics = (): string =>
    JSON.stringify(
      { what, code: ours?.code ?? null, message, fix: ours?.fix ?? null, request_id: requestId, page: location.href, time: new Date().toISOString() },
      null,
      2,
    );
  return (
    // Beside a list there is room for little: what stands in a narrow place takes all of it.
    <div role="alert" className="@container w-full min-w-0">
      <div className="m-[var(--state-inset,1rem)] flex max-w-[72ch] gap-3 rounded-panel border border-hairline bg-surface p-4 @max-sm:m-2 @max-sm:flex-col @max-sm:gap-1 @max-sm:p-3">
        <OctagonAlert size={18} aria-hidden="true" className="mt-0.5 shrink-0 text-error-solid" />
        <div className="min-w-0 flex-1">
          <p className="text-body font-medium">{what} could not be shown</p>
          <p className="mt-1 break-words text-ink-2">{message}</p>
          {ours !== null && <p className="mt-1 break-words text-ink-2">{ours.fix}</p>}
          {isUnavailable(error) && <p className="mt-1 text-ink-2">Retried every few seconds; it appears here as soon as it answers.</p>}
          <div className="mt-3 flex flex-wrap items-center gap-2">
            {onRetry !== undefined && (
              <Button
                onClick={() => {
                  onRetry();
                  // What failed with it and has no button of its own is asked for again too.
                  void queries.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' }, { cancelRefetch: false });
                }}
              >
                <RotateCw size={14} aria-hidden="true" /> Try again
              </Button>
            )}
            <Button look="quiet" onClick={() => void copyText(diagnostics())}>
              Copy diagnostics
            </Button>
            {requestId !== null && <span className="min-w-0 font-mono text-meta break-all text-ink-3">{requestId}</span>}
          </div>
        </div>
      </div>
    </div>
  );
}

interface DeniedProps {
  readonly capability: Capability;
  /** Of a page that has other parts. */
  readonly isPart?: boolean;
}

/** A page for whoever may not have it: which permission lacks, and who can give it. */
export function Denied({ capability, isPart = false }: DeniedProps): ReactElement {
  const people = capability.granters;
  const [copied, setCopied] = useState(false);
  const request = (): string =>
    `Please grant me the permission ${capability.permission} of GatewayOps (${inWords(capability.description)}), for ${location.href}`;
  return (
    <div className={`flex flex-col items-start gap-3 ${isPart ? 'py-4' : 'py-12'} ${stateInset}`}>
      <Lock size={20} aria-hidden="true" className="text-ink-3" />
      {isPart ? (
        <h2 className="text-section font-semibold">This section needs another permission</h2>
      ) : (
        <h1 className="text-title font-semibold">This page needs another permission</h1>
      )}
      <p className="max-w-[72ch] text-body text-ink-2">
        It requires <code className="font-mono text-table">{capability.permission}</code>
        {capability.description === '' ? '' : ` (${inWords(capability.description)})`}. {capability.reason}
      </p>
      <p className="max-w-[72ch] text-body text-ink-2">
        {people.length === 0
          ? 'The operator of the gateway can grant it.'
          : `${people
              .slice(0, 5)
              .map(({ name, reference }) => `${name} (${nameOf(reference)})`)
              .join(', ')}${people.length > 5 ? ` and ${people.length - 5} others` : ''} can grant it.`}
      </p>
      <Button onClick={() => void copyText(request()).then(setCopied)}>Copy an access request</Button>
      <p role="status" className="text-meta text-ink-3">
        {copied ? `Copied: send it to ${people.length === 0 ? 'the operator' : people.length === 1 ? (people[0]?.name ?? '') : 'one of them'}.` : ''}
      </p>
    </div>
  );
}

/** The children for whoever has the permission, else why not. */
export function Allowed({ permission, children }: { readonly permission: string; readonly children: ReactNode }): ReactNode {
  const capability = useCapability(permission);
  return capability.allowed ? children : <Denied capability={capability} />;
}

/** The children for whoever has the permission, else nothing: for a part of a page that has others. */
export function IfAllowed({ permission, children }: { readonly permission: string; readonly children: ReactNode }): ReactNode {
  return useCapability(permission).allowed ? children : null;
}

/** A sentence as it stands within another. */
function inWords(sentence: string): string {
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1).replace(/\.$/, '')}`;
}

function nameOf(principal: string): string {
  return principal.replace(/^(user|service_account|agent):/, '');
}

export function useAfter(ms: number): boolean {
  const [is, setIs] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIs(true), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return is;
}
