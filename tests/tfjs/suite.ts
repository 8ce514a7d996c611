/**
 * Runs TF.js's own specs against our backend, in this process; `run.ts` starts it. Its last line is the result as JSON.
 *
 * @module
 */
import jasmineRequire from "jasmine-core";
import { useTensorFlow } from "../../lib/tensorflow/mod.ts";

/** The part of jasmine that is used. */
interface Jasmine {
  getEnv(): Env;
}
interface Env {
  configure(options: { random: boolean; specFilter: (spec: { getFullName(): string }) => boolean }): void;
  addReporter(reporter: { specDone(result: SpecResult): void }): void;
  execute(): Promise<unknown>;
}
interface SpecResult {
  status: string;
  fullName: string;
  failedExpectations: { message: string }[];
}

/** What a run of specs came to. */
export interface SuiteResult {
  passed: number;
  /** Specs by name, with what was wrong. */
  failed: [string, string][];
  skipped: number;
}

/** The bundle of TF.js's specs: its helpers, and a function that declares the specs. */
interface Bundle {
  setTestEnvs(envs: { name: string; backendName: string; flags: object; isDataSync: boolean }[]): void;
  declareSpecs(): Promise<void>;
}

if (import.meta.main) {
  const [bundlePath, ignoredJson] = Deno.args as [string, string];
  const ignored: string[] = JSON.parse(ignoredJson);
  await useTensorFlow();
  const require = jasmineRequire as unknown as {
    boot(core: unknown): Jasmine;
    interface(jasmine: Jasmine, env: Env): Record<string, unknown>;
  };
  const jasmine = require.boot(jasmineRequire);
  const env = jasmine.getEnv();
  Object.assign(globalThis, require.interface(jasmine, env), { jasmine });
  const bundle: Bundle = await import(bundlePath);
  bundle.setTestEnvs([{ name: "test-tensorflow", backendName: "tensorflow", flags: {}, isDataSync: true }]);
  await bundle.declareSpecs();
  const result: SuiteResult = { passed: 0, failed: [], skipped: 0 };
  env.configure({
    random: false,
    specFilter: (spec) => !ignored.some((name) => spec.getFullName().includes(name)),
  });
  env.addReporter({
    specDone({ status, fullName, failedExpectations }) {
      if (status === "passed") result.passed++;
      else if (status === "failed") {
        result.failed.push([fullName, failedExpectations[0]?.message ?? "no reason given"]);
      } else result.skipped++;
    },
  });
  await env.execute();
  console.log(JSON.stringify(result));
  Deno.exit(0);
}
