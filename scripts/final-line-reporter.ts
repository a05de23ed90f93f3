import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * Prints `N passed, N failed` (and `, N skipped` when there are any) as the last line of a test run.
 *
 * What keeps tests from running counts as a failure too: a file that cannot be loaded, a hook that throws, an error that
 * nobody caught. Where `CI=true`, a skipped test fails the run, because a skip there is a claim that nobody checked.
 */
export default class FinalLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const skipped: TestCase[] = [];
    let passed = 0;
    let failed = unhandledErrors.length;

    for (const module of modules) {
      failed += failedOutsideTests(module);
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else skipped.push(test);
      }
    }

    const lines: string[] = [];
    if (process.env['CI'] === 'true' && skipped.length > 0) {
      process.exitCode = 1;
      lines.push('With CI=true no test may skip, but these did:');
      for (const test of skipped) lines.push(`  ${test.module.relativeModuleId} > ${test.fullName}`);
    }
    const counts = [`${passed} passed`, `${failed} failed`];
    if (skipped.length > 0) counts.push(`${skipped.length} skipped`);
    lines.push(counts.join(', '));
    process.stdout.write(`${lines.join('\n')}\n`);
  }
}

/** Errors of a file and of its suites that belong to no test, such as an import or a `beforeAll` that throws. */
function failedOutsideTests(module: TestModule): number {
  let count = module.errors().length;
  for (const suite of module.children.allSuites()) count += suite.errors().length;
  return count;
}
