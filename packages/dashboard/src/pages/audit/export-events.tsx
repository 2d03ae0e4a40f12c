import { Menu } from '@base-ui/react/menu';
import { ChevronDown, Download } from 'lucide-react';
import type { ReactElement } from 'react';
import { gatewayUrl } from '../../app/gateway.ts';
import { buttonLook } from '../../ui/button.tsx';

const formats = [
  ['csv', 'CSV', 'for spreadsheets', 'audit.csv'],
  ['jsonl', 'JSON lines', 'one event per line', 'audit.jsonl'],
  ['cef', 'CEF', 'ArcSight', 'audit.cef'],
  ['ocsf', 'OCSF 1.6', 'one object per line', 'audit.ocsf.jsonl'],
] as const;

/** All that fits the filters, however much it is, as the gateway reads it; and the proof of the whole audit, which is checked on any machine. */
export function ExportEvents({ asked }: { readonly asked: Readonly<Record<string, string>> }): ReactElement {
  const path = (more: Readonly<Record<string, string>>): string => `${gatewayUrl}/v1/audit/export?${new URLSearchParams(more).toString()}`;
  const item = 'flex min-h-8 items-center justify-between gap-6 px-3 outline-none data-highlighted:bg-sunken pointer-coarse:min-h-10';
  return (
    <Menu.Root>
      <Menu.Trigger className={buttonLook()}>
        <Download size={14} aria-hidden="true" /> Export <ChevronDown size={14} aria-hidden="true" />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner align="end" sideOffset={6} className="z-30">
          <Menu.Popup className="min-w-64 rounded-panel border border-hairline bg-surface py-1 text-table shadow-[0_8px_24px_var(--shadow)] outline-none">
            {formats.map(([format, name, about, file]) => (
              <Menu.LinkItem key={format} className={item} href={path({ ...asked, format })} download={file} closeOnClick>
                {name} <span className="text-meta text-ink-3">{about}</span>
              </Menu.LinkItem>
            ))}
            <Menu.Separator className="my-1 h-px bg-hairline" />
            <Menu.LinkItem className={item} href={path({ format: 'proof' })} download="audit.proof" closeOnClick>
              Proof of the whole log <span className="text-meta text-ink-3">to verify elsewhere</span>
            </Menu.LinkItem>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
