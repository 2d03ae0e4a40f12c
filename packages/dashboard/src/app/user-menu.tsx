import { Menu } from '@base-ui/react/menu';
import { useNavigate } from '@tanstack/react-router';
import { CircleUser } from 'lucide-react';
import type { ReactElement } from 'react';
import { setAppearance, useAppearance, type Appearance } from './appearance.ts';
import { gateway, signInPath } from './gateway.ts';
import { useSession } from './session.ts';

const item = 'flex min-h-8 cursor-pointer items-center justify-between gap-6 px-3 outline-none data-highlighted:bg-sunken pointer-coarse:min-h-10';
const themes: readonly (readonly [Appearance['theme'], string])[] = [
  ['system', 'Same as system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

export function UserMenu({ onKeys }: { readonly onKeys: () => void }): ReactElement {
  const { me } = useSession();
  const navigate = useNavigate();
  const { theme, zone } = useAppearance();
  const name = me.owner?.replace(/^[a-z_]+:/, '') ?? me.id;
  return (
    <Menu.Root>
      <Menu.Trigger
        aria-label={`${name}: account and appearance`}
        className="flex size-8 shrink-0 items-center justify-center rounded-control text-ink-2 hover:bg-sunken hover:text-ink pointer-coarse:size-10"
      >
        <CircleUser size={18} aria-hidden="true" />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner align="end" sideOffset={6} className="z-30">
          <Menu.Popup className="min-w-60 rounded-panel border border-hairline bg-surface py-1 text-table shadow-[0_8px_24px_var(--shadow)] outline-none">
            <div className="border-b border-hairline px-3 pt-1 pb-2">
              <p className="truncate font-medium">{name}</p>
              <p className="truncate text-meta text-ink-3">
                {me.kind} · {me.organization_id}
              </p>
            </div>
            <Menu.RadioGroup value={theme} onValueChange={(value: Appearance['theme']) => setAppearance({ theme: value })}>
              {themes.map(([value, label]) => (
                <Menu.RadioItem key={value} value={value} closeOnClick={false} className={item}>
                  {label}
                  <Menu.RadioItemIndicator className="text-accent">●</Menu.RadioItemIndicator>
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
            <Menu.CheckboxItem
              checked={zone === 'utc'}
              onCheckedChange={(utc) => setAppearance({ zone: utc ? 'utc' : 'local' })}
              closeOnClick={false}
              className={`${item} border-t border-hairline`}
            >
              Times in UTC
              <Menu.CheckboxItemIndicator className="text-accent">✓</Menu.CheckboxItemIndicator>
            </Menu.CheckboxItem>
            <Menu.Item className={item} onClick={onKeys}>
              Keyboard shortcuts <kbd className="font-sans text-ink-3">?</kbd>
            </Menu.Item>
            <Menu.Item className={`${item} border-t border-hairline`} onClick={() => void navigate({ to: '/sessions' })}>
              Your sessions
            </Menu.Item>
            <Menu.Item className={item} onClick={() => void signOut()}>
              Sign out
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

export async function signOut(): Promise<void> {
  // Where there is no session any more, they are signed out.
  await gateway.me.signOut().catch(() => undefined);
  location.assign(signInPath('signed_out'));
}
