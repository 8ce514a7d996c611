/**
 * Opens trained models: runs, and Hugging Face folders of a GPT-2 or LLaMA.
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

/** Opened model with its tokenizer. Dispose of it to close its token files. */
export interface OpenedModel extends Disposable {
  /** Sizes and options. */
  readonly config: GptConfig;
  /** Tokenizer. */
  readonly tokenizer: Tokenizer;
  /** Weights. For a run with a moving average of weights: the average. */
  readonly parameters: ParameterRecord;
  /** Source folder in Hugging Face's format; undefined for runs. */
  readonly source: string | undefined;
  /** Run of the model; undefined for Hugging Face folders. */
  readonly run: {
    readonly spec: RunSpec;
    /** Name of the corpus. */
    readonly data: string;
    /** Finds the text and returns the validation tokens, valid until the model is disposed of. */
    validation(): Promise<Tokens>;
  } | undefined;
}

/** Choice of weights and text for a folder with a model. */
export interface ModelChoice {
  /** For a run: weights of the last checkpoint, or of the best evaluation. Default: last. */
  readonly weights?: WhichWeights | undefined;
  /** For a run: current location of its text. Default: the recorded path, then the folder of `plan.json`. */
  readonly data?: readonly string[] | undefined;
  /** For a run with code of a user: true to run the code in its folder. Default: only code that this user named before. */
  readonly runRecordedCode?: boolean | undefined;
  /** Receives notes about the tokenizer, line by line. Default: standard error. */
  readonly note?: ((line: string) => void) | undefined;
}

/** Weights of a run: of the last checkpoint or of the best evaluation. */
export type WhichWeights = "last" | "best";

/** Runs `work` and rethrows a `RangeError` as a `UserError`. */
export async function withUserErrors<R>(work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Opens a model.
 *
 * @param folder Folder of a run, or Hugging Face folder of a GPT-2 or LLaMA.
 * @param options Choice of weights and text; `action` for error messages, such as `generate with`.
 * @throws {UserError} If the folder is neither, files are missing or damaged, or the run's text has changed.
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
