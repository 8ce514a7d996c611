/**
 * Runs TF.js's core specs on losskit's backend, in this process. `run.ts` starts it with the bundle and the specs to
 * skip.
 *
 * @module
 */
import { useTensorFlow } from "../../lib/tensorflow/mod.ts";
import { runSpecs } from "./specs.ts";

/** The bundle of TF.js's specs: its helpers, and a function that declares the specs. */
interface Bundle {
  setTestEnvs(envs: { name: string; backendName: string; flags: object; isDataSync: boolean }[]): void;
  declareSpecs(): Promise<void>;
}

if (import.meta.main) {
  const [bundlePath, ignored] = Deno.args as [string, string];
  await useTensorFlow();
  await runSpecs(async () => {
    const bundle: Bundle = await import(bundlePath);
    bundle.setTestEnvs([{
      name: "test-tensorflow",
      backendName: "tensorflow",
      flags: {},
      isDataSync: true,
    }]);
    await bundle.declareSpecs();
  }, JSON.parse(ignored));
}
