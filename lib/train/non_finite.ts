/**
 * Search for the op that computed the first NaN or infinite number of a run. The run is replayed from a checkpoint, and
 * the step with the non-finite loss or gradient is run op by op.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { gpt, type GptConfig, type Parameters } from "../model/mod.ts";
import { type Extremes, layerOfParameter } from "../precision/mod.ts";
import { extremesOf, type Origin, watchNonFinite } from "../tensorflow/precision/watch.ts";
import { createBatches } from "../text/mod.ts";
import { batchTensors } from "./dataset.ts";
import { EventLoopWaits } from "./_event_loop.ts";
import type { TrainOptions } from "./loop.ts";
import { Trainer } from "./trainer.ts";

/** The step or evaluation of a run with a loss or gradient that is NaN or infinite. */
export interface NonFinitePlace {
  /** Number of the step, from 1. For an evaluation, the number of steps done before the evaluation. */
  readonly step: number;
  /** True if the validation loss is not finite. False if the step's loss or gradient is not finite. Default: false. */
  readonly evaluation?: boolean | undefined;
}

/** The first NaN or infinite number of a run, and the op that computed it. */
export interface NonFinite extends NonFinitePlace, Omit<Origin, "pass"> {
  /**
   * Part of the step in which the op ran. `weights`: the weights were not finite before the first replayed step, so
   * that no op was found and `op` is empty.
   */
  readonly pass: Origin["pass"] | "weights";
  /**
   * If `pass` is `update` or `weights`: the first parameter with a non-finite value. Omitted if every weight is finite.
   */
  readonly parameter?: string | undefined;
}

/** Options of the run to replay. `model` must be a config. */
export type ReplayedRun = TrainOptions & { readonly model: GptConfig };

/**
 * Finds the op that computed the first NaN or infinite number of a step or evaluation. Replays the previous steps as
 * the run executed them, and then the step or evaluation op by op.
 *
 * @param run Options of the run. `resumeFrom`: a checkpoint before `place` (default: the run is replayed from step 1).
 * @param place The step or evaluation with a non-finite loss or gradient.
 * @returns The first non-finite number. Undefined if all numbers are finite when the step runs op by op, or after an
 * abort.
 * @throws {UserError} If the checkpoint does not match the options.
 */
export async function findNonFinite(run: ReplayedRun, place: NonFinitePlace): Promise<NonFinite | undefined> {
  const { step, evaluation = false } = place;
  const before = await stateBefore(run, evaluation ? step + 1 : step);
  if (before === undefined) return undefined;
  using model = gpt(run.model, { ...run, parameters: run.parameters?.() });
  using eager = new Trainer(model, { ...run, execution: "eager" });
  eager.restore(before.bytes, { name: "the replayed state", sampling: "any" });
  try {
    const weights = nonFiniteWeights(model.parameters);
    const last = evaluation ? step : step - 1; // the step that made these weights
    if (weights !== undefined && last > before.from) return await findNonFinite(run, { step: last });
    if (weights !== undefined) {
      return { step: last, pass: "weights", opClass: "", op: "", inputs: [], ...weights };
    }
    const { origin } = watchNonFinite(() => {
      if (!evaluation) eager.step(before.batch);
      else {
        const { batchSize, blockSize, evalBytes: maxBytes, evalTokens: maxTokens } = run;
        eager.evaluate(run.data, { batchSize, blockSize, maxBytes, maxTokens });
      }
    });
    if (origin === undefined) return undefined;
    const changed = origin.pass === "update" ? nonFiniteWeights(model.parameters) : undefined;
    return {
      ...{ step, ...(evaluation && { evaluation }), ...origin },
      ...(changed && { parameter: changed.parameter, layer: changed.layer }),
    };
  } finally {
    tf.dispose([before.batch.x, before.batch.y]);
  }
}

/** State of a run before a step. */
interface Before {
  /** Step of the checkpoint from which the state was replayed. 0: the beginning. */
  readonly from: number;
  /** The state, as a checkpoint. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The step's batch. */
  readonly batch: ReturnType<typeof batchTensors>;
}

/** Replays a run up to before a step. Returns undefined after an abort. */
async function stateBefore(run: ReplayedRun, step: number): Promise<Before | undefined> {
  const { data, resumeFrom, sampling = "random", signal } = run;
  const { batchSize: B = 12, blockSize: T = run.model.blockSize } = run;
  using model = gpt(run.model, { ...run, parameters: run.parameters?.() });
  using trainer = new Trainer(model, run);
  const batches = createBatches(data.train, { B, T, sampling, seed: trainer.options.seed });
  if (resumeFrom !== undefined) {
    batches.restore(trainer.restore(resumeFrom.bytes, { name: resumeFrom.name, sampling }).cursor);
  }
  const from = trainer.stepsDone;
  const next = () => batchTensors(batches.next(), batches.padded);
  const waits = new EventLoopWaits();
  while (trainer.stepsDone < step - 1) {
    if (signal?.aborted) return undefined;
    const batch = next();
    trainer.step(batch);
    tf.dispose([batch.x, batch.y]);
    await waits.wait();
  }
  const bytes = trainer.checkpoint({ cursor: batches.cursor() });
  return { from, bytes, batch: next() };
}

/** Returns the first parameter with a non-finite value. */
function nonFiniteWeights(
  parameters: Parameters,
): { parameter: string; layer: string; output: Extremes } | undefined {
  for (const [parameter, tensor] of Object.entries(parameters)) {
    const output = extremesOf(tensor.dataSync() as Float32Array, tensor);
    if (output.nonFinite > 0) return { parameter, layer: layerOfParameter(parameter), output };
  }
  return undefined;
}
