/** The vitest reporter behind `npm test`: what passed, failed and was skipped, by name, as JSON for `tools/test.mjs`. */
import { writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

/** What a test file came to. What went wrong outside of any file has the file ''. */
export interface FileSummary {
  readonly file: string;
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: readonly { readonly name: string; readonly reason: string | null }[];
}

export default class TestReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env['GATEWAYOPS_TEST_SUMMARY'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(summarize(modules, unhandled)));
  }
}

function summarize(modules: readonly TestModule[], unhandled: readonly SerializedError[]): readonly FileSummary[] {
  const files = new Map(modules.map((module) => [module.moduleId, summarizeFile(module)]));
  for (const error of unhandled) {
    // Vitest names the file whose process it came from, where there is one.
    const path: unknown = error['VITEST_TEST_PATH'];
    const id = typeof path === 'string' ? path : '';
    const file = files.get(id) ?? { file: '', passed: 0, failed: [], skipped: [] };
    files.set(id, { ...file, failed: [...file.failed, `${file.file === '' ? '' : `${file.file}: `}outside of any test: ${firstLine(error)}`] });
  }
  return [...files.values()];
}

function summarizeFile(module: TestModule): FileSummary {
  const file = module.relativeModuleId;
  let passed = 0;
  // A file that cannot be loaded, and a hook that fails, have no test of their own to count.
  const failed = module.errors().map((error) => `${file}: ${firstLine(error)}`);
  const skipped: { name: string; reason: string | null }[] = [];
  for (const suite of module.children.allSuites()) {
    for (const error of suite.errors()) failed.push(`${file} > ${suite.fullName}: ${firstLine(error)}`);
  }
  for (const test of module.children.allTests()) {
    const name = `${file} > ${test.fullName}`;
    const result = test.result();
    if (result.state === 'passed') passed += 1;
    else if (result.state === 'skipped') skipped.push({ name, reason: result.note ?? null });
    else failed.push(result.state === 'pending' ? `${name}: did not finish` : name);
  }
  return { file, passed, failed, skipped };
}

function firstLine(error: SerializedError): string {
  return error.message.split('\n', 1)[0] ?? '';
}
