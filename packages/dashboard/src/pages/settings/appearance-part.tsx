import type { ReactElement } from 'react';
import { setAppearance, useAppearance, type Appearance } from '../../app/appearance.ts';
import { Choice } from '../../ui/field.tsx';
import { Part } from './part.tsx';

/** How this browser shows the dashboard. */
export function AppearancePart(): ReactElement {
  const { theme, density, zone, shortcuts } = useAppearance();
  return (
    <Part title="In this browser" about="Saved in this browser only.">
      <div className="grid max-w-xl gap-3 sm:grid-cols-3">
        <Choice
          label="Theme"
          value={theme}
          choices={[
            ['system', 'Same as system'],
            ['light', 'Light'],
            ['dark', 'Dark'],
          ]}
          onChange={(event) => setAppearance({ theme: event.target.value as Appearance['theme'] })}
        />
        <Choice
          label="Rows"
          value={density}
          choices={[
            ['compact', 'Compact'],
            ['normal', 'Normal'],
            ['roomy', 'Roomy'],
          ]}
          onChange={(event) => setAppearance({ density: event.target.value as Appearance['density'] })}
        />
        <Choice
          label="Times"
          value={zone}
          choices={[
            ['local', 'Local'],
            ['utc', 'UTC'],
          ]}
          onChange={(event) => setAppearance({ zone: event.target.value as Appearance['zone'] })}
        />
      </div>
      <label className="flex min-h-8 items-center gap-2">
        <input type="checkbox" checked={shortcuts} onChange={(event) => setAppearance({ shortcuts: event.target.checked })} className="accent-(--accent)" />{' '}
        Single-letter shortcuts
      </label>
    </Part>
  );
}
