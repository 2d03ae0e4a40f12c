/** Runs the suites against one or more addresses, and says what came out. */
import { outputOf, runSuite, type SuiteResult, suites } from './suites.ts';

export interface TargetResult {
  /** `direct` to the reference server, `gateway` (`/mcp/{server}`), or `aggregate` (`/mcp`). */
  readonly target: string;
  readonly suites: readonly SuiteResult[];
}

/** A target's suites run two at a time: they share no session. */
export async function runTarget(target: string, url: string): Promise<TargetResult> {
  const [first, ...rest] = suites;
  if (!first) throw new Error('there is no suite');
  const [one, others] = await Promise.all([runSuite(first, url), inOrder(rest.map((suite) => () => runSuite(suite, url)))]);
  return { target, suites: [one, ...others] };
}

async function inOrder<Value>(tasks: readonly (() => Promise<Value>)[]): Promise<Value[]> {
  const values: Value[] = [];
  for (const task of tasks) values.push(await task());
  return values;
}

export function allPassed(results: readonly TargetResult[]): boolean {
  return results.every((result) => result.suites.every((suite) => suite.passed));
}

/** A table of every scenario, a column a target and suite, and the words of the suite about each that failed. */
export function renderResults(results: readonly TargetResult[]): string {
  const columns = results.flatMap(({ target, suites: ran }) => ran.map((suite) => ({ title: `${target} ${suite.suite}`, suite })));
  const names = [...new Set(columns.flatMap(({ suite }) => suite.scenarios.map(({ name }) => name)))];
  const width = Math.max(...names.map((name) => name.length), 8);
  const rows = names.map((name) => [name].concat(columns.map(({ suite }) => cell(suite, name))));
  const totals = ['scored', ...columns.map(({ suite }) => `${suite.scoredPassed}/${suite.scored}`)];
  const table = [['scenario', ...columns.map(({ title }) => title)], ...rows, totals].map((row) =>
    row.map((text, index) => (index === 0 ? text.padEnd(width) : text.padStart(columns[index - 1]?.title.length ?? 0))).join('  '),
  );
  return [
    ...table,
    '',
    'passed checks, or failed/all; (…) does not count for the revision',
    '',
    ...columns.flatMap(({ title, suite }) => failures(title, suite)),
  ]
    .join('\n')
    .trimEnd();
}

function cell(suite: SuiteResult, name: string): string {
  const scenario = suite.scenarios.find((one) => one.name === name);
  if (!scenario) return '';
  const text = scenario.failed === 0 ? String(scenario.passed) : `${scenario.failed}/${scenario.passed + scenario.failed} failed`;
  return scenario.scored ? text : `(${text})`;
}

export function failures(title: string, suite: SuiteResult): string[] {
  if (suite.passed) return [];
  const failed = suite.scenarios.filter((scenario) => scenario.scored && scenario.failed > 0);
  const tail = failed.length === 0 ? [suite.output.slice(-3_000)] : [];
  return [`--- ${title}`, ...failed.map(({ name }) => outputOf(suite, name)), ...tail, ''];
}

/** One line of JSON for programs. */
export function summarise(results: readonly TargetResult[]): object {
  return {
    passed: allPassed(results),
    targets: results.map(({ target, suites: ran }) => ({
      target,
      suites: ran.map(({ suite, scored, scoredPassed, passed, seconds, scenarios }) => ({
        suite,
        scored,
        scored_passed: scoredPassed,
        passed,
        seconds,
        scenarios,
      })),
    })),
  };
}
