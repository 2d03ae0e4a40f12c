import { readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parseTar } from 'nanotar';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';

export interface PolicyBundle {
  /** In base64. */
  readonly wasm: string;
  /** JSON text; `{}` where the bundle has none. */
  readonly data: string;
}

/** Its types come with those of browsers, which do not belong here. */
const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: { validate(bytes: Uint8Array): boolean } };

const fix = 'Make it with: opa build -t wasm -e DECISION -o bundle.tar.gz FILES';

/**
 * A bundle of Open Policy Agent (https://www.openpolicyagent.org/docs/management-bundles#bundle-file-format) with a compiled policy whose entrypoint is
 * `decision`, read now. Faults: `secret_unavailable` where it cannot serve.
 */
export function readBundle(path: string, decision: string, setting: string): PolicyBundle {
  const refuse = (reason: string, cause?: unknown): Fault => new Fault('secret_unavailable', { setting, reason, fix }, { cause });
  let packed: Buffer;
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > bounds.opaBundleBytesMax) throw new Error('not a file of at most 8 MiB');
    packed = readFileSync(path);
  } catch (error) {
    throw refuse((error as NodeJS.ErrnoException).code === 'ENOENT' ? `there is no file ${path}` : `${path} cannot be read`, error);
  }
  const files = new Map<string, Buffer>();
  try {
    for (const { name, data } of parseTar(gunzipSync(packed, { maxOutputLength: bounds.opaUnpackedBytesMax })))
      if (data !== undefined) files.set(name.replace(/^\.?\//, ''), Buffer.from(data));
  } catch (error) {
    throw refuse(`${path} is no bundle (.tar.gz)`, error);
  }
  const wasm = files.get('policy.wasm');
  if (wasm === undefined || !WebAssembly.validate(wasm)) throw refuse(`${path} holds no policy compiled to WebAssembly`);
  const data = files.get('data.json')?.toString('utf8') ?? '{}';
  const entrypoints = entrypointsOf(files.get('.manifest')?.toString('utf8') ?? '{}');
  if (entrypoints === null || !isObject(parsed(data))) throw refuse(`${path} is damaged: its manifest or data is no JSON object`);
  if (!entrypoints.includes(decision)) throw refuse(`the policy in ${path} has no entrypoint ${decision}; it has ${entrypoints.join(', ') || 'none'}`);
  return { wasm: wasm.toString('base64'), data };
}

function entrypointsOf(manifest: string): readonly string[] | null {
  const value = parsed(manifest);
  if (!isObject(value)) return null;
  const compiled = Array.isArray(value['wasm']) ? (value['wasm'] as readonly unknown[]) : [];
  return compiled.flatMap((one) => (isObject(one) && typeof one['entrypoint'] === 'string' ? [one['entrypoint']] : []));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
