import { Menu } from '@base-ui/react/menu';
import { useNavigate } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { basePath, gateway, gatewayUrl } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { copyText } from '../../ui/copy.tsx';
import { askedOf, curlOf } from '../trace/call-as-command.ts';
import { onlyValue } from './query-text.ts';
import type { TraceRow } from './trace-row.ts';

interface RowMenuProps {
  readonly row: TraceRow;
  readonly query: string;
  readonly isChosen: boolean;
  readonly onOpen: () => void;
  readonly onAsk: (query: string) => void;
  readonly onChoose: () => void;
  readonly onClose: () => void;
}

const item =
  'flex min-h-8 cursor-pointer items-center justify-between gap-6 px-3 outline-none data-disabled:cursor-default data-disabled:opacity-50 data-highlighted:bg-sunken pointer-coarse:min-h-10';

/** What can be done with the row that the cursor is at. */
export function RowMenu({ row, query, isChosen, onOpen, onAsk, onChoose, onClose }: RowMenuProps): ReactElement {
  const navigate = useNavigate();
  const bodies = useCapability('bodies.read');
  // Where there is nothing to copy, its request says why.
  const showRequest = (): void => void navigate({ to: '/traces/$traceId', params: { traceId: row.id }, search: { tab: 'request' } });
  // Of the call that the row names first.
  const named = row.decidedBy ?? row;
  const filters = [
    ['server', named.server],
    ['tool', named.isTool ? named.what : null],
    ['user', row.user],
  ] as const;
  return (
    <Menu.Root open onOpenChange={(open) => !open && onClose()}>
      <Menu.Portal>
        <Menu.Positioner anchor={() => document.querySelector('[role=row][tabindex="0"]')} align="start" alignOffset={96} className="z-30">
          <Menu.Popup className="min-w-60 rounded-panel border border-hairline bg-surface py-1 text-table shadow-[0_8px_24px_var(--shadow)] outline-none">
            <Menu.Item className={item} onClick={onOpen}>
              Open beside <kbd className="font-sans text-meta text-ink-3">↵</kbd>
            </Menu.Item>
            <Menu.Item className={item} onClick={() => void navigate({ to: '/traces/$traceId', params: { traceId: row.id } })}>
              Open as a page <kbd className="font-sans text-meta text-ink-3">⇧↵</kbd>
            </Menu.Item>
            <Menu.Item className={item} onClick={onChoose}>
              {isChosen ? 'Deselect' : 'Select to compare'} <kbd className="font-sans text-meta text-ink-3">x</kbd>
            </Menu.Item>
            {filters.map(([field, value]) =>
              value === null ? null : (
                <Menu.Item key={field} className={item} onClick={() => onAsk(onlyValue(query, field, value))}>
                  <span>
                    Only {field} <span className="font-mono text-meta">{value}</span>
                  </span>
                </Menu.Item>
              ),
            )}
            <Menu.Separator className="my-1 h-px bg-hairline" />
            <Menu.Item className={item} onClick={() => void copyText(row.id)}>
              Copy the ID <kbd className="font-sans text-meta text-ink-3">y</kbd>
            </Menu.Item>
            <Menu.Item className={item} onClick={() => void copyText(`${location.origin}${basePath}traces/${row.id}`)}>
              Copy a link
            </Menu.Item>
            <Menu.Item
              className={item}
              disabled={!row.isTool || !bodies.allowed}
              title={!row.isTool ? 'It called no tool.' : bodies.allowed ? undefined : bodies.reason}
              onClick={() => void copyCommand(row).then((done) => (done ? undefined : showRequest()), showRequest)}
            >
              Copy as cURL
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

/** The first call of the trace as a command; false where what it asked for was not recorded. */
async function copyCommand({ id }: TraceRow): Promise<boolean> {
  const { trace } = await gateway.traces.get(id, { limit: 1 });
  const [span] = trace.spans;
  if (span?.request.body?.state !== 'kept' || span.request.body.truncated) return false;
  const asked = askedOf(await gateway.traces.body(id, span.id, 'request'));
  return asked !== undefined && copyText(curlOf(gatewayUrl, span.server, asked));
}
