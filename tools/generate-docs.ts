/**
 * The documents that are made from the source: `node tools/generate-docs.ts` writes them, and `check-docs.ts` holds the
 * committed files to them. To add one, add a row.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderOpenApi } from '../packages/gateway/src/api/openapi-document.ts';
import { renderCliReference } from '../packages/gateway/src/cli/reference.ts';
import { renderConfigSchema } from '../packages/gateway/src/config/json-schema.ts';
import { renderConfiguration } from './render-configuration.ts';
import { renderCluster } from './render-cluster.ts';
import { dashboards, renderDashboard } from './render-dashboards.ts';
import { renderFaults } from './render-faults.ts';
import { renderMetrics } from './render-metrics.ts';
import { renderQuery } from './render-query.ts';
import { renderSdkFaults } from './render-sdk-faults.ts';
import { judgeSdkTypes, writeSdkTypes } from './write-sdk-types.ts';

export interface GeneratedDocument {
  /** From the root of the repository. */
  readonly path: string;
  /** The whole text of the file. */
  readonly render: () => string | Promise<string>;
}

export const generatedDocuments: readonly GeneratedDocument[] = [
  { path: 'docs/reference/faults.md', render: renderFaults },
  { path: 'docs/reference/query.md', render: renderQuery },
  { path: 'docs/reference/cli.md', render: renderCliReference },
  { path: 'docs/reference/metrics.md', render: renderMetrics },
  { path: 'docs/reference/configuration.md', render: renderConfiguration },
  { path: 'docs/reference/config.schema.json', render: renderConfigSchema },
  { path: 'openapi/openapi.json', render: renderOpenApi },
  ...dashboards.map((dashboard) => ({
    path: `deploy/grafana/dashboards/${dashboard.uid.replace('gatewayops-', '')}.json`,
    render: () => renderDashboard(dashboard),
  })),
  { path: 'deploy/clickhouse/cluster.sql', render: renderCluster },
  { path: 'packages/sdk/src/fault-table.ts', render: renderSdkFaults },
];

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  for (const { path, render } of generatedDocuments) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), await render());
    console.log(`wrote ${path}`);
  }
  // They are made of the OpenAPI document by a program that is installed apart, so only where it has changed.
  if (judgeSdkTypes(root) !== null) await writeSdkTypes(root);
}
