import { Menu } from '@base-ui/react/menu';
import { useQuery } from '@tanstack/react-query';
import { Copy } from 'lucide-react';
import type { ReactElement } from 'react';
import { buttonLook } from '../../ui/button.tsx';
import { copyText } from '../../ui/copy.tsx';
import { basePath } from '../../app/gateway.ts';
import { durationText, moneyText } from '../../text/format.ts';
import { operationText } from '../traces/trace-row.ts';
import { traceQuery } from './use-trace.ts';

const item = 'flex min-h-8 cursor-pointer items-center px-3 outline-none data-highlighted:bg-sunken pointer-coarse:min-h-10';

/** The trace in the forms that people paste elsewhere. */
export function TraceActions({ traceId }: { readonly traceId: string }): ReactElement {
  const trace = useQuery(traceQuery(traceId));
  const link = `${location.origin}${basePath}traces/${traceId}`;
  const markdown = (): string => {
    const found = trace.data;
    const first = found?.spans[0];
    if (found === undefined || first === undefined) return link;
    const name = `${first.server} · ${first.tool ?? operationText(first.operation)}`;
    return `[${name}](${link}): **${found.status}** after ${durationText(found.duration_ms)}, ${moneyText(found.total_cost, found.currency)}, ${found.start_time}${first.error === null ? '' : `\n> ${first.error}`}`;
  };
  return (
    <Menu.Root>
      <Menu.Trigger className={buttonLook()}>
        <Copy size={14} aria-hidden="true" /> Copy
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner align="end" sideOffset={6} className="z-30">
          <Menu.Popup className="min-w-44 rounded-panel border border-hairline bg-surface py-1 shadow-[0_8px_24px_var(--shadow)] outline-none">
            <Menu.Item className={item} onClick={() => void copyText(link)}>
              Link
            </Menu.Item>
            <Menu.Item className={item} onClick={() => void copyText(traceId)}>
              Id
            </Menu.Item>
            <Menu.Item className={item} onClick={() => void copyText(markdown())}>
              Markdown
            </Menu.Item>
            <Menu.Item className={item} onClick={() => void copyText(JSON.stringify(trace.data, null, 2))}>
              JSON
            </Menu.Item>
            <Menu.Item className={item} onClick={() => void copyText(`npx --no gateway traces get ${traceId}`)}>
              Command
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
