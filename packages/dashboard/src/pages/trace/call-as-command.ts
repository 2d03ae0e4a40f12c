/** A recorded call as a command that makes it again, to paste into a shell. */

/** Of `tools/call`: the tool and the arguments that its body asks for, however the client came in. Undefined where the body says neither. */
export function askedOf(body: string): { readonly tool: string; readonly arguments: unknown } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  // JSON-RPC has them below `params`, the REST way at its top.
  const { params } = value;
  const [tool, args] = isObject(params) ? [params['name'], params['arguments']] : [value['tool'], value['arguments']];
  return typeof tool === 'string' ? { tool, arguments: args ?? {} } : undefined;
}

/** For a POSIX shell; the key is read from GATEWAYOPS_API_KEY, so that it stands in no history. */
export function curlOf(gatewayUrl: string, server: string, asked: { readonly tool: string; readonly arguments: unknown }): string {
  return [
    `curl ${quoted(`${gatewayUrl}/v1/mcp/${encodeURIComponent(server)}/tools/call`)}`,
    '-H "Authorization: Bearer $GATEWAYOPS_API_KEY"',
    "-H 'Content-Type: application/json'",
    `-d ${quoted(JSON.stringify(asked))}`,
  ].join(' \\\n  ');
}

/** Between single quotes a shell reads nothing but a single quote. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
