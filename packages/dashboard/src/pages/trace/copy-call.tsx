import { Menu } from '@base-ui/react/menu';
import type { Schemas } from '@gatewayops/sdk';
import { Terminal } from 'lucide-react';
import type { ReactElement } from 'react';
import { basePath, gatewayUrl } from '../../app/gateway.ts';
import { statusWord } from '../../rail/rail.tsx';
import { durationText } from '../../text/format.ts';
import { buttonLook } from '../../ui/button.tsx';
import { copyText } from '../../ui/copy.tsx';
import { curlOf, markdownOf, rpcOf, sdkOf, type askedOf } from './call-as-command.ts';

interface CopyCallProps {
  readonly traceId: string;
  readonly span: Schemas['Span'];
  readonly asked: NonNullable<ReturnType<typeof askedOf>>;
}

const item = 'flex min-h-8 cursor-pointer items-center px-3 outline-none data-highlighted:bg-sunken pointer-coarse:min-h-10';

/** A call in the forms that people paste elsewhere: as it was recorded, so what was masked is masked in them too. */
export function CopyCall({ traceId, span, asked }: CopyCallProps): ReactElement {
  const link = `${location.origin}${basePath}traces/${traceId}?span=${span.id}`;
  const outcome = `${statusWord(span.status)} after ${durationText(span.duration_ms)}`;
  const forms = [
    ['cURL', () => curlOf(gatewayUrl, span.server, asked)],
    ['MCP JSON-RPC', () => rpcOf(asked)],
    ['SDK code', () => sdkOf(gatewayUrl, span.server, asked)],
    ['Markdown', () => markdownOf(link, span.server, outcome, asked)],
  ] as const;
  return (
    <Menu.Root>
      <Menu.Trigger className={`${buttonLook('quiet')} ml-auto`}>
        <Terminal size={14} aria-hidden="true" /> Copy as
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner align="end" sideOffset={6} className="z-30">
          <Menu.Popup className="min-w-44 rounded-panel border border-hairline bg-surface py-1 shadow-[0_8px_24px_var(--shadow)] outline-none">
            {forms.map(([title, text]) => (
              <Menu.Item key={title} className={item} onClick={() => void copyText(text())}>
                {title}
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
