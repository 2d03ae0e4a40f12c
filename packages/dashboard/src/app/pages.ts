/** What the dashboard has, in the order of its menu: a page is here when it works on the real gateway. */
import {
  Activity,
  ChartLine,
  Coins,
  KeyRound,
  LayoutDashboard,
  LogIn,
  Scale,
  ScrollText,
  Server,
  Settings2,
  ShieldQuestion,
  Users,
  type LucideIcon,
} from 'lucide-react';
import type { Session } from './session.ts';

export interface PageEntry {
  readonly path: '/' | '/traces' | '/metrics' | '/costs' | '/servers' | '/keys' | '/people' | '/access' | '/identity' | '/policies' | '/audit' | '/settings';
  readonly title: string;
  /** The second key after `g`. */
  readonly key: string;
  /** Null: part of it is open to all, and it says itself what is not. */
  readonly permission: string | null;
  readonly icon: LucideIcon;
}

export interface PageGroup {
  readonly title: string;
  readonly pages: readonly PageEntry[];
}

export const pageGroups: readonly PageGroup[] = [
  {
    title: 'Watch',
    pages: [
      { path: '/', title: 'Overview', key: 'o', permission: 'metrics.read', icon: LayoutDashboard },
      { path: '/traces', title: 'Traces', key: 't', permission: 'traces.read', icon: Activity },
      { path: '/metrics', title: 'Metrics', key: 'm', permission: 'metrics.read', icon: ChartLine },
      { path: '/costs', title: 'Costs', key: 'c', permission: 'costs.read', icon: Coins },
    ],
  },
  {
    title: 'Build',
    pages: [
      { path: '/servers', title: 'Servers', key: 's', permission: 'servers.read', icon: Server },
      { path: '/keys', title: 'Keys', key: 'k', permission: 'keys.read', icon: KeyRound },
    ],
  },
  {
    title: 'People',
    pages: [
      { path: '/people', title: 'Users & teams', key: 'u', permission: 'people.read', icon: Users },
      { path: '/access', title: 'Check access', key: 'e', permission: 'policies.read', icon: ShieldQuestion },
      { path: '/identity', title: 'Sign-in', key: 'i', permission: 'identity.read', icon: LogIn },
    ],
  },
  {
    title: 'Govern',
    pages: [
      { path: '/policies', title: 'Policies', key: 'p', permission: 'policies.read', icon: Scale },
      { path: '/audit', title: 'Audit', key: 'l', permission: 'audit.read', icon: ScrollText },
      { path: '/settings', title: 'Settings', key: 'x', permission: null, icon: Settings2 },
    ],
  },
];

/** What stands in the menu, the palette and the keys of whoever has these permissions. */
export function isReachable({ permission }: PageEntry, { capabilities }: Pick<Session, 'capabilities'>): boolean {
  return permission === null || capabilities.get(permission)?.allowed === true;
}
