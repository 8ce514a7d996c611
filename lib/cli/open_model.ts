/**
 * A trained model from its folder: a run's, or a GPT-2's in transformers' files. What commands that use models share.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { readRegular } from "../file/regular.ts";
import { type GptConfig, loadGpt2, type ParameterRecord } from "../model/mod.ts";
import { readManifest, requirePlace, runPaths, type RunSpec } from "../record/mod.ts";
import { findText, modelOf, planFolder, prepareRecorded, readRunTokenizer } from "../run/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { loadFolderTokenizer, type Tokenizer, type Tokens } from "../text/mod.ts";
import { checkpointWeights } from "../train/mod.ts";

/** A model, and how it reads and writes text. Dispose of it to close the files of its tokens. */
export interface OpenedModel extends Disposable {
  /** Its sizes and options. */
  readonly config: GptConfig;
  /** Text to ids and back. */
  readonly tokenizer: Tokenizer;
  /** Its weights; of a run their moving average, where it kept one. */
  readonly parameters: ParameterRecord;
  /** The folder of Hugging Face's files that it is from; undefined: a run's model. */
  readonly source: string | undefined;
  /** The run that it is of; undefined: a GPT-2 in transformers' files. */
  readonly run: {
    readonly spec: RunSpec;
    /** The text's name. */
    readonly data: string;
    /** Finds the text, and returns the tokens of its validation part, valid until the model is disposed of. */
    validation(): Promise<Tokens>;
  } | undefined;
}

/** How a model is opened. */
export interface OpenOptions {
  /** The action, for errors, such as `generate with`. */
  readonly action: string;
  /** Which weights of a run. */
  readonly weights: WhichWeights;
  /** Where a run's text is now. Default: the recorded path, then beside `plan.json`. */
  readonly data?: readonly string[] | undefined;
}

/** Documents the option `--data` of commands that open a run. */
export const RUN_DATA_HELP =
  "of a run: where its text is now; repeat it for several (default: the recorded path, then beside plan.json)";

/** Which weights of a run. */
export type WhichWeights = "last" | "best";

/** Reads the option `--weights`. */
export function whichWeights(text: string): WhichWeights {
  if (text === "last" || text === "best") return text;
  throw new InvalidArgumentError("wanted last or best");
}

/** What a user chose may be out of range: that is told without a stack. */
export function asUserError<R>(work: () => R): R {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}

/** Starts TensorFlow with as many threads as a user said. */
export async function startTensorFlow(threads: number | undefined): Promise<void> {
  try {
    await useTensorFlow(threads === undefined ? {} : { threads });
  } catch (error) {
    throw error instanceof RangeError ? new UserError(error.message, { cause: error }) : error;
  }
}

/**
 * Opens a model.
 *
 * @param folder A run's folder, or a GPT-2's.
 * @param options The action, the weights, and where a run's text is.
 * @throws {UserError} when it is neither, or its files are missing or damaged, or its text has changed.
 */
export async function openModel(
  folder: string,
  options: OpenOptions,
): Promise<OpenedModel> {
  if (exists(runPaths(folder).manifest)) return await openRun(folder, options);
  if (exists(join(folder, "config.json"))) return await openGpt2(folder);
  throw new UserError(
    `Cannot ${options.action} ${folder}: wanted a run's folder (with manifest.json), such as ` +
      "experiments/out/train/runs/ID, or a GPT-2's (with config.json): it has neither file",
  );
}

/** Opens a run with the tokenizer in its folder, or, of a run without one, with that of its text. */
async function openRun(folder: string, { action, weights, data }: OpenOptions): Promise<OpenedModel> {
  requirePlace(folder);
  const paths = runPaths(folder);
  const manifest = readManifest(paths.manifest);
  const path = weights === "best" ? paths.best : paths.checkpoint;
  if (!exists(path)) {
    throw new UserError(
      `Cannot ${action} ${folder}: wanted the weights in ${path}, which is not there: ` +
        (weights === "best"
          ? "the run did not keep its best ones: use --weights last"
          : "let the run go on first"),
    );
  }
  const bytes = readRegular(path);
  const opened: Disposable[] = [];
  const prepare = async () => {
    const { corpus } = await findText(manifest.data, { dir: planFolder(folder), data });
    const prepared = await prepareRecorded(corpus, manifest);
    opened.push(prepared);
    return prepared;
  };
  const close = () => opened.forEach((one) => one[Symbol.dispose]());
  try {
    const tokenizer = readRunTokenizer(folder, manifest) ?? (await prepare()).tokenizer;
    const config = modelOf(manifest.spec, tokenizer.vocabSize);
    const parameters = checkpointWeights(bytes, { name: path, model: config });
    const run = {
      spec: manifest.spec,
      data: manifest.data.name,
      validation: async () => (await prepare()).validation,
    };
    return { config, tokenizer, parameters, source: undefined, run, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

async function openGpt2(folder: string): Promise<OpenedModel> {
  const { config, parameters } = await loadGpt2(folder);
  const { tokenizer, note } = await loadFolderTokenizer(folder, { V: config.vocabSize });
  if (note !== undefined) console.error(note);
  return { config, tokenizer, parameters, source: folder, run: undefined, [Symbol.dispose]: () => {} };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw new UserError(`Cannot read ${path}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
