import { renderClusterDdl } from '../packages/gateway/src/store/ledger/cluster-ddl.ts';

/** The statements of the ledger on a cluster, for administrators who run DDL themselves. */
export function renderCluster(): string {
  return `-- Generated from packages/gateway/src/store/ledger/migrations; docs/scale.md says when it is needed. Run it in the database that
-- CLICKHOUSE_URL names, after replacing the name of the cluster, gatewayops, by yours. With the macros {shard} and {replica} set
-- on every server, as in servers.xml beside this file.

${renderClusterDdl('gatewayops')}`;
}
