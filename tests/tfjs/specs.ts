/**
 * Running jasmine specs in this process: its names become global, specs are declared, and the result is counted.
 *
 * @module
 */
import jasmineRequire from "jasmine-core";

/** The part of jasmine that is used. */
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

/** What a run of specs came to. */
export interface SuiteResult {
  passed: number;
  /** Specs by name, with what was wrong. */
  failed: [string, string][];
  skipped: number;
}

/**
 * Runs specs and prints the result as JSON on the last line; then ends the process.
 *
 * @param declare Declares them, with jasmine's names global.
 * @param ignored Parts of the full names of specs to pass over.
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
  // What fails outside of a spec (afterAll, an unhandled error) is a failure too.
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
