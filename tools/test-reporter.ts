/** The vitest reporter behind `npm test`: what passed, failed and was skipped, by name, as JSON for `tools/test.mjs`. */
import { writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

export interface TestSummary {
  readonly passed: number;
  readonly failed: readonly string[];
  /** Passed, but not at the first try: the run was given `--retry`. */
  readonly flaky: readonly string[];
  readonly skipped: readonly { readonly name: string; readonly reason: string | null }[];
}

export default class TestReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env['GATEWAYOPS_TEST_SUMMARY'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(summarize(modules, unhandled)));
  }
}

function summarize(modules: readonly TestModule[], unhandled: readonly SerializedError[]): TestSummary {
  let passed = 0;
  const failed: string[] = [];
  const flaky: string[] = [];
  const skipped: { name: string; reason: string | null }[] = [];
  for (const module of modules) {
    // A file that cannot be loaded, and a hook that fails, have no test of their own to count.
    for (const error of module.errors()) failed.push(`${module.relativeModuleId}: ${firstLine(error)}`);
    for (const suite of module.children.allSuites()) {
      for (const error of suite.errors()) failed.push(`${module.relativeModuleId} > ${suite.fullName}: ${firstLine(error)}`);
    }
    for (const test of module.children.allTests()) {
      const name = `${module.relativeModuleId} > ${test.fullName}`;
      const result = test.result();
      if (result.state === 'passed') {
        passed += 1;
        if (test.diagnostic()?.flaky === true) flaky.push(name);
      } else if (result.state === 'skipped') skipped.push({ name, reason: result.note ?? null });
      else failed.push(result.state === 'pending' ? `${name}: did not finish` : name);
    }
  }
  for (const error of unhandled) failed.push(`outside of any test: ${firstLine(error)}`);
  return { passed, failed, flaky, skipped };
}

function firstLine(error: SerializedError): string {
  return error.message.split('\n', 1)[0] ?? '';
}
