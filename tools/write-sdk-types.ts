/**
 * `npm run sdk:types`: the types of packages/sdk, made of openapi/openapi.json by openapi-typescript. The generator wants a TypeScript of
 * its own and so is installed apart, in tools/sdk-types, when it is needed. The first line of what it writes has the hash of the
 * document that it was made of: by that `check-docs.ts` sees when it is behind.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installState } from './install.mjs';
import { runNpm } from './run-npm.mjs';

const documentPath = 'openapi/openapi.json';
const typesPath = 'packages/sdk/src/api-types.ts';

/** What is wrong with the types in a checkout, as `check-docs.ts` says it; null: they are those of the document. */
export function judgeSdkTypes(root: string): string | null {
  const types = join(root, typesPath);
  const head = existsSync(types) ? (readFileSync(types, 'utf8').split('\n', 1)[0] ?? '') : '';
  return head === headOf(root) ? null : `${typesPath}:1: is not made of ${documentPath} as it is now; write it anew with: npm run sdk:types`;
}

/** Installs the generator where it is missing. Throws where that or the generator fails. */
export async function writeSdkTypes(root: string): Promise<void> {
  const folder = join(root, 'tools', 'sdk-types');
  if (installState(folder) !== 'in step') {
    const { code, output } = await runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, onSpawn: () => undefined });
    if (code !== 0) throw new Error(`the generator of packages/sdk could not be installed in ${folder}:\n${output}`);
  }
  const temporary = mkdtempSync(join(tmpdir(), 'gatewayops-sdk-types-'));
  try {
    const input = join(temporary, 'openapi.json');
    const output = join(temporary, 'api-types.ts');
    writeFileSync(input, JSON.stringify(withoutFaults(JSON.parse(readFileSync(join(root, documentPath), 'utf8')))));
    // A body's member with a default need not be sent; what an answer has is required by its schema.
    const args = [join(folder, 'node_modules', 'openapi-typescript', 'bin', 'cli.js'), input, '--default-non-nullable=false', '-o', output];
    const made = spawnSync(process.execPath, args, { cwd: temporary, encoding: 'utf8' });
    if (made.status !== 0 || !existsSync(output)) throw new Error(`openapi-typescript failed:\n${made.stdout}${made.stderr}`);
    writeFileSync(join(root, typesPath), `${headOf(root)}\n${readFileSync(output, 'utf8')}`);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function headOf(root: string): string {
  const hash = createHash('sha256')
    .update(readFileSync(join(root, documentPath)))
    .digest('hex');
  return `// Made of ${documentPath} by "npm run sdk:types"; its SHA-256: ${hash}`;
}

/** Every operation answers faults alike; the SDK has classes for them. */
function withoutFaults(document: { paths: Record<string, Record<string, { responses?: Record<string, unknown> }>> }): unknown {
  for (const operations of Object.values(document.paths)) {
    for (const { responses } of Object.values(operations)) {
      if (responses !== undefined) for (const status of Object.keys(responses)) if (!status.startsWith('2')) delete responses[status];
    }
  }
  return document;
}

if (import.meta.main) {
  await writeSdkTypes(join(import.meta.dirname, '..'));
  console.log(`wrote ${typesPath}`);
}
