/**
 * What a run of vitest came to, into the file of --outputFile: the counts, and everything that failed with what it printed.
 * vitest's own JSON report leaves out what failed outside of tests (hooks, unhandled rejections) and the seeds of random input.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';
import type { Failure, VitestReport } from './count-results.ts';

/** Of each test and file; a seed is printed first. */
const OUTPUT_CHARS_MAX = 4000;

export default class ResultReporter implements Reporter {
  #outputPath = '';
  #root = '';
  readonly #outputs = new Map<string, string>();

  onInit(vitest: Vitest): void {
    const { outputFile, root } = vitest.config;
    if (typeof outputFile !== 'string') throw new Error('--outputFile=PATH says where the result is written');
    this.#outputPath = outputFile;
    this.#root = root;
  }

  onUserConsoleLog({ taskId = '', content }: { taskId?: string; content: string }): void {
    const before = this.#outputs.get(taskId) ?? '';
    this.#outputs.set(taskId, (before + content).slice(0, OUTPUT_CHARS_MAX));
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const report: VitestReport = { passed: 0, failed: 0, skipped: 0, failures: [] };
    for (const module of modules) {
      this.#addErrors(report.failures, module, 'the file');
      for (const suite of module.children.allSuites())
        this.#addErrors(report.failures, suite, `${suite.fullName}: a hook`);
      for (const test of module.children.allTests()) this.#addTest(report, test);
    }
    for (const error of unhandledErrors) {
      const file = typeof error.VITEST_TEST_PATH === 'string' ? error.VITEST_TEST_PATH : '';
      const during = typeof error.VITEST_TEST_NAME === 'string' ? `, while this ran: ${error.VITEST_TEST_NAME}` : '';
      const name = `an error outside of every test${during}`;
      report.failures.push({ file: this.#relative(file), name, error: this.#describe([error]), output: '' });
    }
    writeFileSync(this.#outputPath, JSON.stringify(report));
  }

  #addTest(report: VitestReport, test: TestCase): void {
    const result = test.result();
    if (result.state === 'passed') report.passed += 1;
    else if (result.state === 'failed') {
      report.failed += 1;
      const output = [this.#outputs.get(test.module.id), this.#outputs.get(test.id)].join('\n');
      const { fullName: name, module } = test;
      report.failures.push({ file: module.relativeModuleId, name, error: this.#describe(result.errors), output });
    } else report.skipped += 1;
  }

  #addErrors(failures: Failure[], task: TestModule | TestSuite, name: string): void {
    const errors = task.errors();
    if (errors.length === 0) return;
    const module = task.type === 'module' ? task : task.module;
    const output = this.#outputs.get(module.id) ?? '';
    failures.push({ file: module.relativeModuleId, name, error: this.#describe(errors), output });
  }

  /** Message, difference and place of each. */
  #describe(errors: readonly (SerializedError & { diff?: string })[]): string {
    return errors
      .map(({ name, message, stack, stacks, diff }) => {
        const place = stacks?.find(({ file }) => !file.includes('/node_modules/'));
        const at = place === undefined ? stack : `at ${this.#relative(place.file)}:${place.line}:${place.column}`;
        return [`${name ?? 'Error'}: ${message}`, diff, at].filter(Boolean).join('\n');
      })
      .join('\n');
  }

  #relative(file: string): string {
    return file.startsWith(`${this.#root}/`) ? file.slice(this.#root.length + 1) : file;
  }
}
