/** How the gateway is set up: what is kept and for how long, what is masked, where events go, which configuration serves, and how this browser shows it. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useCapability } from '../../app/session.ts';
import { Denied } from '../../ui/states.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { About } from './about.tsx';
import { AppearancePart } from './appearance-part.tsx';
import { Configuration } from './configuration.tsx';
import { DataKept } from './data-kept.tsx';
import { ExportTargets } from './export-targets.tsx';
import { Masking } from './masking.tsx';
import { settingsParts, type SettingsPart } from './search.ts';

const parts: Readonly<Record<SettingsPart, { readonly title: string; readonly permission: string | null; readonly Content: () => ReactElement }>> = {
  data: { title: 'Data & backups', permission: 'config.read', Content: DataKept },
  masking: { title: 'Masking', permission: 'config.read', Content: Masking },
  export: { title: 'Export', permission: 'config.read', Content: ExportTargets },
  configuration: { title: 'Configuration', permission: 'config.read', Content: Configuration },
  appearance: { title: 'Appearance', permission: null, Content: AppearancePart },
  about: { title: 'About', permission: null, Content: About },
};

export function Settings(): ReactElement {
  const search = useSearch({ from: '/settings' });
  const navigate = useNavigate({ from: '/settings' });
  const config = useCapability('config.read');
  const part = search.part ?? (config.allowed ? 'data' : 'appearance');
  const { permission, Content } = parts[part];
  return (
    <div className="flex flex-col">
      <h1 className="px-3 pt-3 pb-2 text-title font-semibold sm:px-4">Settings</h1>
      <Tabs
        label="Parts of the settings"
        tabs={settingsParts.map((id) => [id, parts[id].title] as const)}
        chosen={part}
        onChoose={(id) => void navigate({ search: (old) => ({ ...old, part: id }) })}
        className="px-3 sm:px-4"
      />
      <div role="tabpanel" aria-label={parts[part].title} className="flex flex-col gap-6 px-3 py-4 sm:px-4">
        {permission !== null && !config.allowed ? <Denied capability={config} /> : <Content />}
      </div>
    </div>
  );
}
