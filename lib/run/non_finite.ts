/**
 * The first NaN or infinite number of a run, found while the run trains or later from its folder.
 *
 * @module
 */
import {
  describeNonFinite,
  firstNonFinite,
  type NonFiniteRecord,
  type NonFiniteStep,
  readRun,
  recordedNonFinite,
  type RecordedRun,
  type RunEvent,
  type RunPaths,
  runPaths,
  type RunSpec,
} from "../record/mod.ts";
import type { GptConfig, ParameterRecord } from "../model/mod.ts";
import { type PolicyName, useTensorFlow } from "../tensorflow/mod.ts";
import {
  checkpointProgress,
  findNonFinite,
  type NonFinite,
  type NonFinitePlace,
  type ReplayedRun,
  type TrainEvent,
  type TrainingData,
} from "../train/mod.ts";
import { prepareForRun } from "./corpus.ts";
import { findText, planFolder } from "./find_text.ts";
import { initialParametersOf } from "./initial_model.ts";
import { loadCode, ownOptions } from "./own_code.ts";
import { readIfThere } from "./resume_point.ts";
import { modelOf } from "./model_of.ts";

/**
 * Returns the options of `train` for a run.
 *
 * @param spec The run's spec.
 * @param given `model`: config of the model. `data`: the tokens. `parameters`: returns the initial weights.
 */
export function trainOptions(
  spec: RunSpec,
  given: { model: GptConfig; data: TrainingData; parameters: () => ParameterRecord },
): ReplayedRun {
  const { B: batchSize, T: blockSize, policy } = spec;
  return { ...spec, ...ownOptions(spec), policy: policy as PolicyName, ...given, batchSize, blockSize };
}

/** A watch that finds the first NaN or infinite number of a run while the run trains. */
export class NonFiniteWatch {
  readonly #run: ReplayedRun;
  readonly #paths: RunPaths;
  readonly #print: (line: string) => void;
  #isOver: boolean;

  /**
   * Creates a watch.
   *
   * @param run Options of the run. `signal` aborts replays.
   * @param options `paths`: files of the run. `print`: receives lines of progress. `former`: events that were recorded
   * before the run was resumed.
   */
  constructor(
    run: ReplayedRun,
    options: { paths: RunPaths; print: (line: string) => void; former: readonly RunEvent[] },
  ) {
    this.#run = run;
    this.#paths = options.paths;
    this.#print = options.print;
    const first = firstNonFinite({ events: options.former });
    this.#isOver = first !== undefined && !first.skipped;
  }

  /**
   * Processes an event of the run. At the first loss or gradient that is not finite, replays the run from its last
   * checkpoint to find the op that computed the first such number. A step with a finite loss that the gradient scaler
   * skipped does not count.
   *
   * @returns The first non-finite number, for at most one event of a run. Otherwise undefined.
   */
  async take(event: TrainEvent): Promise<NonFinite | undefined> {
    const place = this.#isOver ? undefined : placeOf(event);
    if (place === undefined) return undefined;
    this.#isOver = true;
    const resumeFrom = checkpointBefore(place, this.#paths);
    this.#print(
      `${nameOf(place)}: the ${
        place.evaluation ? "validation loss" : "loss or gradient"
      } is not finite; replaying ` +
        `from ${
          resumeFrom === undefined ? "the beginning" : `step ${resumeFrom.step}`
        } to find the first such number`,
    );
    const found = await findNonFinite({ ...this.#run, resumeFrom }, place);
    if (found !== undefined) this.#print(describeNonFinite(found));
    return found;
  }
}

function placeOf(event: TrainEvent): NonFinitePlace | undefined {
  if (event.event === "eval") {
    return Number.isFinite(event.loss) ? undefined : { step: event.step, evaluation: true };
  }
  if (event.event !== "step" || Number.isFinite(event.loss) && isSound(event)) return undefined;
  return { step: event.step };
}

/** Returns true if the gradient is finite, or the gradient scaler skipped the step. */
function isSound({ gradNorm, lossScale }: { gradNorm: number; lossScale?: number | undefined }): boolean {
  return Number.isFinite(gradNorm) || lossScale !== undefined;
}

/** Returns the latest checkpoint before a step or evaluation. Returns undefined if there is none. */
function checkpointBefore(
  { step, evaluation = false }: NonFinitePlace,
  paths: RunPaths,
): { bytes: Uint8Array<ArrayBuffer>; name: string; step: number } | undefined {
  const found = [paths.checkpoint, paths.best].flatMap((name) => {
    const bytes = readIfThere(name);
    return bytes === undefined ? [] : [{ bytes, name, step: checkpointProgress(bytes, name).step }];
  });
  return found.filter((one) => one.step < step || evaluation && one.step === step)
    .sort((a, b) => b.step - a.step)[0];
}

/** The first NaN or infinite number of a recorded run. */
export interface RunNonFinite {
  /** The step or evaluation whose loss or gradient is not finite. Undefined if every loss and gradient is finite. */
  readonly place: NonFiniteStep | undefined;
  /**
   * The number and its op. Undefined if `place` is undefined, or if all numbers of the step are finite in the replay.
   */
  readonly found: NonFiniteRecord | undefined;
  /** Description of the result as a sentence. */
  readonly sentence: string;
}

/**
 * Finds the first NaN or infinite number of a recorded run. Reads it from the journal, or replays the run if the
 * journal does not have it. A step that the gradient scaler skipped counts only if no other step has a non-finite
 * number.
 *
 * @param folder The run's folder.
 * @param options `signal`: aborts the replay. `print`: receives lines of progress (default: none).
 * @throws {UserError} If the run, its checkpoint or its text cannot be read.
 */
export async function findRunNonFinite(
  folder: string,
  options: { signal?: AbortSignal | undefined; print?: ((line: string) => void) | undefined } = {},
): Promise<RunNonFinite> {
  const run = readRun(folder), place = firstNonFinite(run);
  if (place === undefined) {
    const sentence = `All losses and gradients of run ${run.manifest.runId} are finite.`;
    return { place, found: undefined, sentence };
  }
  const found = recordedNonFinite(run) ?? await replay(run, { ...options, folder, place });
  if (found === undefined) {
    const sentence = `Cannot find the first non-finite number: ${
      nameOf(place)
    } is finite when it is replayed op by op.`;
    return { place, found, sentence };
  }
  const skip = place.skipped ? " The gradient scaler skipped the step, as intended." : "";
  return { place, found, sentence: `${describeNonFinite(found)}${skip}` };
}

async function replay(
  { manifest: { spec, data } }: RecordedRun,
  options: {
    folder: string;
    place: NonFiniteStep;
    signal?: AbortSignal | undefined;
    print?: ((line: string) => void) | undefined;
  },
): Promise<NonFinite | undefined> {
  const { folder, place, signal, print = () => {} } = options;
  const dir = planFolder(folder);
  const { corpus } = await findText(data, { dir });
  using prepared = await prepareForRun(corpus, spec, dir);
  await useTensorFlow({ threads: spec.threads });
  await loadCode(spec, { dir });
  const model = modelOf(spec, prepared.tokenizer.vocabSize);
  const resumeFrom = checkpointBefore(place, runPaths(folder));
  print(`replaying the run from step ${resumeFrom?.step ?? 0} to ${nameOf(place)}`);
  const parameters = () => initialParametersOf(spec, { model, dir });
  const run = trainOptions(spec, { model, data: prepared, parameters });
  return await findNonFinite({ ...run, resumeFrom, signal }, place);
}

function nameOf({ step, evaluation }: NonFinitePlace): string {
  return evaluation ? `the evaluation after step ${step}` : `step ${step}`;
}
