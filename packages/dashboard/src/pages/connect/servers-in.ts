/** The servers of a block that people have for their clients, as the gateway would have them. */

export interface FoundServer {
  readonly name: string;
  /** As an entry of `servers` in gateway.yaml; null: it says neither an address nor a program. */
  readonly spec: Readonly<Record<string, unknown>> | null;
  /** What of it is not taken over, and where that belongs. */
  readonly leftOut: string | null;
}

/** So many at a time. */
export const foundMax = 50;

/** Of `{"mcpServers": {…}}`, VS Code's `{"servers": {…}}`, or what stands in them; null: the text is no such block. */
export function serversIn(text: string): readonly FoundServer[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isMap(value)) return null;
  const block = value['mcpServers'] ?? value['servers'] ?? value;
  if (!isMap(block) || Object.keys(block).length === 0 || !Object.values(block).every(isMap)) return null;
  return Object.entries(block)
    .slice(0, foundMax)
    .map(([name, entry]) => serverOf(name, isMap(entry) ? entry : {}));
}

function serverOf(name: string, entry: Readonly<Record<string, unknown>>): FoundServer {
  const url = [entry['url'], entry['serverUrl'], entry['httpUrl']].find((one) => typeof one === 'string');
  const { command, args, type } = entry;
  // Both mostly hold secrets, which the gateway has as references only.
  const headers = namesOf(entry['headers']);
  const env = namesOf(entry['env']);
  if (url !== undefined)
    return {
      name,
      spec: type === 'sse' ? { transport: 'sse', url } : { url },
      leftOut: headers === null ? null : `headers ${headers}. Add them in its configuration, with secrets as references.`,
    };
  if (typeof command !== 'string') return { name, spec: null, leftOut: null };
  const words = Array.isArray(args) ? args.filter((word) => typeof word === 'string') : [];
  return {
    name,
    spec: { transport: 'stdio', command: [command, ...words] },
    leftOut: env === null ? null : `variables ${env}. Add them in its configuration, with secrets as references.`,
  };
}

function namesOf(value: unknown): string | null {
  const names = isMap(value) ? Object.keys(value) : [];
  return names.length === 0 ? null : names.join(', ');
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
