/** How the gateway is set up: what is kept and for how long, what is masked, where events go, which configuration serves, and how this browser shows it. */
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useCapability } from '../../app/session.ts';
import { FindField } from '../../ui/find-field.tsx';
import { Denied, Empty } from '../../ui/states.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { About } from './about.tsx';
import { AppearancePart } from './appearance-part.tsx';
import { Configuration } from './configuration.tsx';
import { DataKept } from './data-kept.tsx';
import { ExportTargets } from './export-targets.tsx';
import { Masking } from './masking.tsx';
import { findSettings } from './settings-index.ts';
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
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2 px-3 pt-3 pb-2 sm:px-4">
        <h1 className="text-title font-semibold">Settings</h1>
        <div role="search" className="w-full sm:w-72">
          <FindField
            placeholder="Retention, theme, version"
            value={search.find}
            onFind={(find) => void navigate({ search: (old) => ({ ...old, find }), replace: true })}
          />
        </div>
      </div>
      {search.find === undefined ? (
        <>
          <Tabs
            label="Parts of the settings"
            tabs={settingsParts.map((id) => [id, parts[id].title] as const)}
            chosen={part}
            onChoose={(id) => void navigate({ search: (old) => ({ ...old, part: id }) })}
            className="px-3 sm:px-4"
          />
          <div role="tabpanel" aria-label={parts[part].title} className="[--state-inset:0px] flex flex-col gap-6 px-3 py-4 sm:px-4">
            {permission !== null && !config.allowed ? <Denied capability={config} isPart /> : <Content />}
          </div>
        </>
      ) : (
        <Found text={search.find} />
      )}
    </div>
  );
}

/** What stands under which part, in the place of one of them. */
function Found({ text }: { readonly text: string }): ReactElement {
  const found = findSettings(text);
  if (found.length === 0) return <Empty title="No settings match">It may be set in gateway.yaml: docs/reference/configuration.md lists everything.</Empty>;
  return (
    <ul aria-label="Matching settings" className="border-t border-hairline">
      {found.map(({ part, title, about }) => (
        <li key={title} className="border-b border-hairline bg-surface px-3 py-2 sm:px-4">
          <Link to="/settings" search={{ part }} className="font-medium text-accent hover:underline">
            {title}
          </Link>{' '}
          <span className="text-ink-3">in {parts[part].title}</span>
          <p className="text-ink-2">{about}</p>
        </li>
      ))}
    </ul>
  );
}
