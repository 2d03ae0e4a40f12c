/** What stands where in the settings, for whoever looks for it by a word. */
import type { SettingsPart } from './search.ts';

export interface IndexedSetting {
  readonly part: SettingsPart;
  /** As its part of the page is headed. */
  readonly title: string;
  /** What it is about, in words by which people look for it. */
  readonly about: string;
}

const settings: readonly IndexedSetting[] = [
  { part: 'data', title: 'Retention', about: 'Retention of traces, metrics and the audit log, their size on disk and the forecast' },
  { part: 'data', title: 'Backups', about: 'When they were taken, where they are, restore' },
  { part: 'masking', title: 'Additional masking rules', about: 'Redaction of secrets, addresses and numbers in bodies, rules and patterns' },
  { part: 'masking', title: 'Test on sample text', about: 'See what would be masked in it' },
  { part: 'export', title: 'Event export', about: 'SIEM, syslog, webhook, audit streams' },
  { part: 'configuration', title: 'In force', about: 'gateway.yaml, its reload, faults of the file' },
  { part: 'configuration', title: 'Export as a file', about: 'Export of the configuration as YAML' },
  { part: 'appearance', title: 'In this browser', about: 'Theme, dark and light, density of rows, time zone, UTC, keyboard shortcuts' },
  { part: 'about', title: 'GatewayOps', about: 'Version, licence, third parties, address, OpenAPI' },
  { part: 'about', title: 'Health', about: 'Health of registry, ledger, state and record' },
];

/** Those that have each word somewhere. */
export function findSettings(text: string): readonly IndexedSetting[] {
  const words = text.toLowerCase().split(/\s+/);
  return settings.filter(({ title, about }) => words.every((word) => `${title} ${about}`.toLowerCase().includes(word)));
}
