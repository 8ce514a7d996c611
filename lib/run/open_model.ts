/**
 * Opening of trained models: runs, and Hugging Face folders of a GPT-2 or LLaMA.
 *
 * @module
 */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { readRegular } from "../file/regular.ts";
import { type GptConfig, loadGpt2, type ParameterRecord } from "../model/mod.ts";
import { readManifest, requirePlace, runPaths, type RunSpec } from "../record/mod.ts";
import { loadFolderTokenizer, type Tokenizer, type Tokens } from "../text/mod.ts";
import { checkpointWeights } from "../train/mod.ts";
import { findText, planFolder } from "./find_text.ts";
import { modelOf } from "./model_of.ts";
import { loadCode } from "./own_code.ts";
import { prepareRecorded, readRunTokenizer } from "./run_tokenizer.ts";

/** A trained model with its tokenizer. `using` closes the files of its tokens. */
export interface OpenedModel extends Disposable {
  /** Config of the model. */
  readonly config: GptConfig;
  /** Tokenizer of the model. */
  readonly tokenizer: Tokenizer;
  /** Weights of the model. If the run keeps a moving average of the weights, these are the averaged weights. */
  readonly parameters: ParameterRecord;
  /** Folder of the model in Hugging Face's format. Undefined for runs. */
  readonly source: string | undefined;
  /** The run that trained the model. Undefined for Hugging Face folders. */
  readonly run: {
    readonly spec: RunSpec;
    /** Name of the corpus. */
    readonly data: string;
    /**
     * Finds the run's text and returns its validation tokens. They can be used until the opened model is disposed of.
     */
    validation(): Promise<Tokens>;
  } | undefined;
}

/** Options for opening a model. All except `note` apply to runs only. */
export interface ModelChoice {
  /** Weights of the last checkpoint (`last`), or those with the lowest validation loss (`best`). Default: last. */
  readonly weights?: WhichWeights | undefined;
  /**
   * Present path of the run's text. Default: the text is searched at the recorded path and then in the folder of
   * `plan.json`.
   */
  readonly data?: readonly string[] | undefined;
  /**
   * True to run the user-written modules in the run's folder. The folder must be trusted. Default: false, so that only
   * modules that this user has used before are run.
   */
  readonly runRecordedCode?: boolean | undefined;
  /** Receives notes about the tokenizer, line by line. Default: standard error. */
  readonly note?: ((line: string) => void) | undefined;
}

/**
 * Weights of a run. `last`: of the last checkpoint. `best`: with the lowest validation loss, which `saveBest` keeps.
 */
export type WhichWeights = "last" | "best";

/** Runs a function, and rethrows a `RangeError` as a `UserError`. Returns the function's result. */
export async function withUserErrors<R>(work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Opens a trained model.
 *
 * @param folder Folder of a run, or Hugging Face folder of a GPT-2 or LLaMA.
 * @param options Options for opening the model. `action`: the failing action in the error `Cannot <action>`, such as
 * `generate with`.
 * @throws {UserError} If the folder contains no supported model, a file is missing or damaged, or the run's text has
 * changed.
 */
export async function openModel(
  folder: string,
  options: ModelChoice & { action: string },
): Promise<OpenedModel> {
  if (exists(runPaths(folder).manifest)) return await openRun(folder, options);
  if (exists(join(folder, "config.json"))) return await openGpt2(folder, options);
  throw new UserError(
    `Cannot ${options.action} ${folder}: expected a run's folder with manifest.json, such as ` +
      "experiments/out/train/runs/ID, or a Hugging Face folder with config.json, got neither.",
  );
}

/** Opens a run with the tokenizer in its folder. If the folder has none, rebuilds the tokenizer from the text. */
async function openRun(
  folder: string,
  { action, weights = "last", data, runRecordedCode }: ModelChoice & { action: string },
): Promise<OpenedModel> {
  requirePlace(folder);
  const paths = runPaths(folder);
  const manifest = readManifest(paths.manifest);
  const path = weights === "best" ? paths.best : paths.checkpoint;
  if (!exists(path)) {
    throw new UserError(
      `Cannot ${action} ${folder}: missing weights ${path}. ` +
        (weights === "best"
          ? "The run did not save its best weights. Use the weights of the last checkpoint."
          : "Resume the run first."),
    );
  }
  const bytes = readRegular(path);
  const opened: Disposable[] = [];
  const prepare = async () => {
    const { corpus } = await findText(manifest.data, { dir: planFolder(folder), data });
    const prepared = await prepareRecorded(corpus, { folder, manifest });
    opened.push(prepared);
    return prepared;
  };
  const close = () => opened.forEach((one) => one[Symbol.dispose]());
  try {
    const tokenizer = await readRunTokenizer(folder, manifest) ?? (await prepare()).tokenizer;
    await loadCode(manifest.spec, { dir: planFolder(folder), runRecordedCode });
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

async function openGpt2(folder: string, { note: print = console.error }: ModelChoice): Promise<OpenedModel> {
  const { config, parameters } = await loadGpt2(folder);
  const { tokenizer, note } = await loadFolderTokenizer(folder, { V: config.vocabSize });
  if (note !== undefined) print(note);
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
