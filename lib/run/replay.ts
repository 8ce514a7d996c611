/**
 * Replay of the next step of a recorded run, with the weights of its last checkpoint and the batches that would follow.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { toParameters } from "../model/mod.ts";
import { readRun, runPaths } from "../record/mod.ts";
import { type PolicyName, useTensorFlow } from "../tensorflow/mod.ts";
import { createBatches } from "../text/mod.ts";
import { decodeCheckpoint, disposeState, IGNORE_INDEX, optimizerConfig, Replay } from "../train/mod.ts";
import { prepareForRun } from "./corpus.ts";
import { findText, planFolder } from "./find_text.ts";
import { initialParametersOf } from "./initial_model.ts";
import { readIfThere } from "./resume_point.ts";
import { modelOf } from "./model_of.ts";
import { loadCode, ownOptions } from "./own_code.ts";

/** Number of batches of a replay, and maximum number of gradients that it holds: 256 MiB in float32. */
const BATCHES = 8, MOST_VALUES = 2 ** 26;

/** A step of a recorded run that can be computed in several precisions. `using` frees its weights and batches. */
export interface OpenReplay extends Disposable {
  /** Computes the step in a precision. */
  readonly replay: Replay;
  /** Number of the step, from 1. */
  readonly step: number;
  /**
   * Number of batches, from 2 to 8: the batch of the step and of the steps after it. The weights are the same for all.
   */
  readonly batches: number;
}

/**
 * Opens the step after a run's last checkpoint, or the first step of a run without a checkpoint. Dropout is disabled,
 * so that only the precision differs between replays.
 *
 * @param folder The run's folder.
 * @throws {UserError} If the run, its checkpoint or its text cannot be read.
 */
export async function openReplay(folder: string): Promise<OpenReplay> {
  const { manifest: { spec, data } } = readRun(folder);
  const { checkpoint } = runPaths(folder);
  const dir = planFolder(folder);
  const { corpus } = await findText(data, { dir });
  using prepared = await prepareForRun(corpus, spec, dir);
  await useTensorFlow({ threads: spec.threads });
  await loadCode(spec, { dir });
  const { loss: criterion, ...own } = ownOptions(spec);
  const model = modelOf(spec, prepared.tokenizer.vocabSize);
  const batches = createBatches(prepared.train, spec);
  const bytes = readIfThere(checkpoint);
  let step = 0, parameters;
  if (bytes === undefined) parameters = toParameters(initialParametersOf(spec, { model, dir }));
  else {
    const { state, progress } = decodeCheckpoint(bytes, {
      ...{
        name: checkpoint,
        model,
        optimizer: optimizerConfig({ ...spec, ...own }),
        emaDecay: spec.emaDecay,
        overrides: spec.overrides,
      },
      policy: spec.policy as PolicyName,
      sampling: spec.sampling,
    });
    parameters = state.parameters;
    disposeState({ ...state, parameters: {} });
    batches.restore(progress.cursor);
    step = progress.step;
  }
  const values = Object.values(parameters).reduce((sum, { size }) => sum + size, 0);
  const count = Math.min(BATCHES, Math.max(2, Math.floor(MOST_VALUES / values)));
  const replayed = Array.from({ length: count }, () => {
    const { x, y, B, T } = batches.next();
    return { x: tf.tensor2d(x, [B, T], "int32"), y: tf.tensor2d(y, [B, T], "int32") };
  });
  const loss = { labelSmoothing: spec.labelSmoothing, zLoss: spec.zLoss };
  const replay = new Replay(parameters, replayed, {
    model: { ...model, dropout: 0 },
    criterion,
    loss: batches.padded ? { ...loss, ignoreIndex: IGNORE_INDEX } : loss,
  });
  return { replay, step: step + 1, batches: count, [Symbol.dispose]: () => replay[Symbol.dispose]() };
}
