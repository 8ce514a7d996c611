/**
 * Writes the inputs of a sweep's runs for `peers/torch_sweep.py`: weights, batches, evaluation windows, and options.
 *
 * @module
 */
import { join } from "node:path";
import { encodeSafetensors } from "../../lib/model/mod.ts";
import type { RunSpec } from "../../lib/record/mod.ts";
import { initialParametersOf } from "../../lib/run/initial_model.ts";
import { findText, modelOf, prepareForRun } from "../../lib/run/mod.ts";
import type { Plan } from "../../lib/sweep/mod.ts";
import {
  type Batch,
  createBatches,
  evalWindows,
  IGNORE_INDEX,
  type PreparedCorpus,
} from "../../lib/text/mod.ts";
import { learningRate, type ScheduleName } from "../../lib/train/schedule.ts";

/** Writes the inputs of all runs of a plan to `folder`. */
export async function writeSweepInputs(plan: Plan, folder: string): Promise<void> {
  const runs: unknown[] = [];
  const { corpus } = await findText(plan.data);
  for (const { id, spec } of plan.runs) {
    using data = await prepareForRun(corpus, spec);
    const model = modelOf(spec, data.tokenizer.vocabSize);
    const tensors = initialParametersOf(spec, { model, dir: folder });
    Deno.writeFileSync(join(folder, `${id}.safetensors`), encodeSafetensors({ tensors, metadata: {} }));
    const { B, T, seed, steps, sampling } = spec;
    const stream = createBatches(data.train, { B, T, sampling, seed });
    const batches = Array.from({ length: steps }, () => stream.next());
    const schedule = { ...spec, schedule: spec.schedule as ScheduleName }; // the built-in sweep has no module
    Deno.writeFileSync(join(folder, `${id}.train`), bytesOf(batches));
    Deno.writeFileSync(join(folder, `${id}.eval`), bytesOf(evaluationBatches(data, spec)));
    runs.push({
      ...{ id, precision: spec.policy, batch: B, seq: T, vocab: model.vocabSize },
      ...{ n_layer: model.nLayer, n_head: model.nHead, n_embd: model.nEmbd },
      ...{ betas: [spec.beta1, spec.beta2], eps: spec.eps, weight_decay: spec.weightDecay, clip: spec.clip },
      ...{ eval_every: spec.evalEvery, lr: batches.map((_, i) => learningRate(i + 1, schedule)) },
    });
  }
  Deno.writeTextFileSync(join(folder, "runs.json"), JSON.stringify(runs));
}

/** Returns the windows of an evaluation. Targets beyond `evalBytes` bytes of text are ignored. */
function evaluationBatches(data: PreparedCorpus, { B, T, evalBytes }: RunSpec): Batch[] {
  const { byteLengths } = data.tokenizer;
  const batches: Batch[] = [];
  let end = byteLengths[data.validation.subarray(0, 1)[0]!]!;
  for (const batch of evalWindows(data.validation, { B, T })) {
    const y = batch.y.map((target) => {
      end += byteLengths[target]!;
      return evalBytes !== "all" && end > evalBytes ? IGNORE_INDEX : target;
    });
    batches.push({ ...batch, y });
    if (y.at(-1) === IGNORE_INDEX) break;
  }
  return batches;
}

/** Encodes batches as int32 [n, 2, B, T]. */
function bytesOf(batches: readonly Batch[]): Uint8Array<ArrayBuffer> {
  const count = batches.reduce((sum, { x, y }) => sum + x.length + y.length, 0);
  const all = new Int32Array(count);
  let at = 0;
  for (const { x, y } of batches) {
    for (const part of [x, y]) {
      all.set(part, at);
      at += part.length;
    }
  }
  return new Uint8Array(all.buffer);
}
