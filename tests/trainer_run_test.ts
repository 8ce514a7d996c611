/**
 * A recorded run and a trainer with the same options and batches train the same weights.
 */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { createTrainer, gpt, loadDataset, type PolicyName, useTensorFlow } from "../lib/mod.ts";
import { decodeSafetensors } from "../lib/model/mod.ts";
import { runFolder, runPaths } from "../lib/record/mod.ts";
import { ownOptions } from "../lib/run/own_code.ts";
import { modelOf } from "../lib/run/mod.ts";
import { recordRun, type RunSpecInput } from "../lib/study/mod.ts";
import { sampleText } from "./support/commands.ts";

const root = Deno.makeTempDirSync();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const text = join(root, "text.txt");
Deno.writeTextFileSync(text, sampleText(2000));
await useTensorFlow({ threads: 1, device: "cpu" });

const common: RunSpecInput = {
  ...{ data: text, T: 16, B: 4, steps: 5, nLayer: 1, nHead: 2, nEmbd: 16, evalTokens: 64, seed: 7 },
};
const specs: Record<string, RunSpecInput> = {
  "the defaults": { ...common },
  "dropout, a moving average and a gradient scaler": {
    ...{ ...common, policy: "fp16-autocast", dropout: 0.1, emaDecay: 0.9, accumulate: 2, warmupSteps: 2 },
    ...{ labelSmoothing: 0.1, zLoss: 1e-4, schedule: "linear" },
  },
};

for (const [name, fields] of Object.entries(specs)) {
  Deno.test(`a recorded run and a trainer train bit-identical weights: ${name}`, async () => {
    const dir = join(root, name);
    const { finished, plan: { runs: [run] } } = await recordRun(fields, { dir, threads: 1 });
    assertEquals(finished, 1);
    const { id, spec } = run!;
    const { checkpoint } = runPaths(runFolder(dir, id));
    const { tensors } = decodeSafetensors(Deno.readFileSync(checkpoint), checkpoint);

    using data = await loadDataset(text, { tokenizer: "character" });
    using model = gpt(modelOf(spec, data.vocabSize), { seed: spec.seed });
    using trainer = createTrainer(model, { ...spec, ...ownOptions(spec), policy: spec.policy as PolicyName });
    const { B: batchSize, T: blockSize, steps, seed, sampling } = spec;
    for (const batch of data.batches({ batchSize, blockSize, steps, seed, sampling })) trainer.step(batch);
    for (const [parameter, tensor] of Object.entries(model.parameters)) {
      const values = tensor.dataSync() as Float32Array;
      assertEquals(tensors[parameter]!.values, values, parameter);
    }
  });
}
