/** Prometheus' text format, read as https://prometheus.io/docs/instrumenting/exposition_formats/ says: for tests that compare figures. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Samples {
  readonly all: readonly Sample[];
  /** By name: counter, gauge or histogram. */
  readonly types: ReadonlyMap<string, string>;
  /** The sum of the samples of this name whose labels are these, among others. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

const line = /^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/g;

/** Throws at a line that is not of the format. */
export function readPrometheusText(text: string): Samples {
  const all: Sample[] = [];
  const types = new Map<string, string>();
  for (const written of text.split('\n')) {
    if (written === '') continue;
    const type = /^# TYPE (\S+) (\S+)$/.exec(written);
    if (type) types.set(type[1] ?? '', type[2] ?? '');
    if (written.startsWith('#')) continue;
    const groups = line.exec(written)?.groups;
    if (groups === undefined) throw new Error(`not a line of the text format: ${written}`);
    const labels = Object.fromEntries(
      [...(groups['labels'] ?? '').matchAll(label)].map(([, name = '', value = '']) => [
        name,
        value.replaceAll(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one)),
      ]),
    );
    all.push({ name: groups['name'] ?? '', labels, value: Number(groups['value']) });
  }
  return {
    all,
    types,
    sum: (name, labels = {}) =>
      all
        .filter((sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
        .reduce((sum, { value }) => sum + value, 0),
  };
}
