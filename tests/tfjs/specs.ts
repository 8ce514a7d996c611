/**
 * Runs jasmine specs in this process: makes jasmine's names global, declares the specs, and counts the results.
 *
 * @module
 */
import jasmineRequire from "jasmine-core";

/** The part of jasmine used here. */
interface Jasmine {
  getEnv(): Env;
}
interface Env {
  configure(options: { random: boolean; specFilter: (spec: { getFullName(): string }) => boolean }): void;
  addReporter(
    reporter: {
      specDone(result: SpecResult): void;
      suiteDone(result: SpecResult): void;
      jasmineDone(result: SpecResult): void;
    },
  ): void;
  execute(): Promise<unknown>;
}
interface SpecResult {
  status: string;
  fullName?: string;
  failedExpectations: { message: string }[];
}

/** Results of a run of specs. */
export interface SuiteResult {
  passed: number;
  /** Names of failed specs, with the reason. */
  failed: [string, string][];
  skipped: number;
}

/**
 * Runs specs and prints the result as JSON on the last line. Then ends the process.
 *
 * @param declare Declares the specs. jasmine's names are global.
 * @param ignored Parts of the full names of specs to skip.
 */
export async function runSpecs(
  declare: () => void | Promise<void>,
  ignored: readonly string[],
): Promise<never> {
  const require = jasmineRequire as unknown as {
    boot(core: unknown): Jasmine;
    interface(jasmine: Jasmine, env: Env): Record<string, unknown>;
  };
  const jasmine = require.boot(jasmineRequire);
  const env = jasmine.getEnv();
  Object.assign(globalThis, require.interface(jasmine, env), { jasmine });
  await declare();
  const result: SuiteResult = { passed: 0, failed: [], skipped: 0 };
  const fail = ({ fullName, failedExpectations }: SpecResult) =>
    result.failed.push([fullName ?? "the suite", failedExpectations[0]?.message ?? "no reason given"]);
  // Failures outside of a spec (afterAll, an unhandled error) count too.
  const outside = (done: SpecResult) => void (done.failedExpectations.length > 0 && fail(done));
  env.configure({
    random: false,
    specFilter: (spec) => !ignored.some((name) => spec.getFullName().includes(name)),
  });
  env.addReporter({
    specDone(spec) {
      if (spec.status === "passed") result.passed++;
      else if (spec.status === "failed") fail(spec);
      else result.skipped++;
    },
    suiteDone: outside,
    jasmineDone: outside,
  });
  await env.execute();
  console.log(JSON.stringify(result));
  Deno.exit(0);
}
