/**
 * The statements of a migration, for one server or for a cluster of them. On a cluster each table is two: `{table}_local` on every
 * shard, replicated, holds the rows; `{table}` in front of it spreads what is written and gathers what is read, so that all other
 * statements are the same (https://clickhouse.com/docs/engines/table-engines/special/distributed).
 */
export function statementsOf(text: string, cluster: string | null): readonly string[] {
  const code = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('--'))
    .join('\n');
  const statements = code
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
  return cluster === null ? statements.map((statement) => withEngines(statement, false)) : statements.flatMap((statement) => onCluster(statement, cluster));
}

/** What follows `ALTER TABLE` where rows are changed, not columns. */
export function alteredTable(table: string, cluster: string | null): string {
  return cluster === null ? table : `${table}_local ON CLUSTER '${cluster}'`;
}

/** Where the rows of a table lie on one server. */
export function localTable(table: string, cluster: string | null): string {
  return cluster === null ? table : `${table}_local`;
}

/** `{engine:Name}` in a migration: where a cluster needs another engine, it is named here and nowhere else. */
const engines: Readonly<Record<string, { readonly single: string; readonly replicated: string }>> = {
  MergeTree: { single: 'MergeTree', replicated: "ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')" },
};

function withEngines(statement: string, replicated: boolean): string {
  return statement.replace(/\{engine:(\w+)\}/g, (_, name: string) => {
    const engine = engines[name];
    if (engine === undefined) throw new Error(`no engine ${name}`);
    return replicated ? engine.replicated : engine.single;
  });
}

const creation = /^CREATE TABLE IF NOT EXISTS (\w+)\b([\s\S]*)$/;
const alteration = /^ALTER TABLE (\w+)\b([\s\S]*)$/;
const columnChange = /^\s*(?:ADD|DROP|MODIFY|RENAME) COLUMN\b/;

function onCluster(statement: string, cluster: string): readonly string[] {
  const [, created, definition] = creation.exec(statement) ?? [];
  if (created !== undefined && definition !== undefined) {
    // One who reads a trace asks one shard for all of it.
    const key = /\btrace_id\b/.test(definition) ? 'cityHash64(trace_id)' : 'rand()';
    const local = definition.replace('non_replicated_deduplication_window', 'replicated_deduplication_window');
    return [
      withEngines(`CREATE TABLE IF NOT EXISTS ${created}_local ON CLUSTER '${cluster}'${local}`, true),
      `CREATE TABLE IF NOT EXISTS ${created} ON CLUSTER '${cluster}' AS ${created}_local ENGINE = Distributed('${cluster}', currentDatabase(), ${created}_local, ${key})`,
    ];
  }
  const [, altered, change] = alteration.exec(statement) ?? [];
  if (altered !== undefined && change !== undefined) {
    const local = `ALTER TABLE ${altered}_local ON CLUSTER '${cluster}'${change}`;
    return columnChange.test(change) ? [local, `ALTER TABLE ${altered} ON CLUSTER '${cluster}'${change}`] : [local];
  }
  throw new Error(`a cluster has no form of this statement: ${statement.slice(0, 80)}`);
}
