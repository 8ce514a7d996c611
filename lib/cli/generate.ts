/** `deno task generate RUN|GPT2_FOLDER`: text that a model makes after a prompt. */
import { InvalidArgumentError } from "commander";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { generate, type GptConfig, loadGpt2, type Parameters, toParameters } from "../model/mod.ts";
import { readManifest, runPaths } from "../record/mod.ts";
import { modelOf, prepareForRun, reloadCorpus } from "../sweep/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { loadGpt2Tokenizer, type Tokenizer } from "../text/mod.ts";
import { checkpointWeights } from "../train/mod.ts";
import { command, runCommand } from "./command.ts";

/** Text to ids and back. */
type Codec = Pick<Tokenizer, "encode" | "decode">;

/** A model that can speak. */
interface Speaker {
  readonly config: GptConfig;
  readonly codec: Codec;
  /** Makes tensors of its weights, once TensorFlow runs. */
  readonly parameters: () => Parameters;
}

/** Tokens of GPT-2, whose tokenizer stands for a folder of transformers, which may hold none. */
const GPT2_VOCABULARY = 50257;

interface Options {
  prompt: string;
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  seed: number;
  weights: "last" | "best";
  threads?: number;
}

const program = command("generate", "Goes on from a prompt with a trained model, and prints prompt and text.")
  .argument("<model>", "a run's folder, or a folder with a GPT-2 as transformers saves it")
  .option("--prompt <text>", "what to go on from", "\n")
  .option("--max-tokens <n>", "tokens to make", number, 200)
  .option(
    "--temperature <x>",
    "below 1 bolder in the likely, above 1 wilder; 0: always the likeliest",
    number,
    1,
  )
  .option("--top-k <k>", "choose among the k likeliest tokens only (default: all)", number)
  .option(
    "--top-p <p>",
    "choose among the likeliest tokens that hold the share p only (default: all)",
    number,
  )
  .option("--seed <n>", "seed of the choices", number, 1)
  .option("--weights <which>", "of a run: last, or best (where the run kept them)", which, "last")
  .option("--threads <n>", "threads (default: TensorFlow's choice)", number)
  .action(speak);

/** Reads a number. */
function number(text: string): number {
  if (text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
  throw new InvalidArgumentError("wanted a number");
}

function which(text: string): "last" | "best" {
  if (text === "last" || text === "best") return text;
  throw new InvalidArgumentError("wanted last or best");
}

async function speak(folder: string, options: Options): Promise<void> {
  const { prompt, maxTokens: maxNewTokens, threads, weights, ...sampling } = options;
  const speaker = await openModel(folder, weights);
  const ids = asUserError(() => speaker.codec.encode(prompt));
  if (ids.length === 0) {
    throw new UserError("Cannot generate: --prompt must have at least one token: it is empty");
  }
  try {
    await useTensorFlow(threads === undefined ? {} : { threads });
  } catch (error) {
    throw error instanceof RangeError ? new UserError(error.message, { cause: error }) : error;
  }
  const made = asUserError(() =>
    generate(speaker.parameters(), speaker.config, { prompt: ids, maxNewTokens, ...sampling })
  );
  console.log(prompt + speaker.codec.decode(made));
}

/** What a user chose may be out of range: that is told without a stack. */
function asUserError<R>(work: () => R): R {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}

async function openModel(folder: string, weights: Options["weights"]): Promise<Speaker> {
  if (exists(runPaths(folder).manifest)) return await openRun(folder, weights);
  if (exists(join(folder, "config.json"))) return await openGpt2(folder);
  throw new UserError(
    `Cannot generate with ${folder}: wanted a run's folder (with manifest.json), such as ` +
      "experiments/out/train/runs/ID, or a GPT-2's (with config.json): it has neither file",
  );
}

/** The model of a run and its tokenizer, made again from the run's text. */
async function openRun(folder: string, weights: Options["weights"]): Promise<Speaker> {
  const paths = runPaths(folder);
  const { spec, data } = readManifest(paths.manifest);
  const path = weights === "best" ? paths.best : paths.checkpoint;
  if (!exists(path)) {
    throw new UserError(
      `Cannot generate with ${folder}: wanted the weights in ${path}, which is not there: ` +
        (weights === "best"
          ? "the run did not keep its best ones: use --weights last"
          : "let the run go on first"),
    );
  }
  const bytes = await Deno.readFile(path);
  using prepared = await prepareForRun(await reloadCorpus(data), spec);
  const { tokenizer } = prepared;
  const config = modelOf(spec, tokenizer.vocabSize);
  const values = checkpointWeights(bytes, { name: path, model: config });
  return { config, codec: tokenizer, parameters: () => toParameters(values) };
}

async function openGpt2(folder: string): Promise<Speaker> {
  const { config, parameters } = await loadGpt2(folder);
  if (config.vocabSize !== GPT2_VOCABULARY) {
    throw new UserError(
      `Cannot generate with ${folder}: wanted a model of GPT-2's ${GPT2_VOCABULARY} tokens, whose tokenizer is known: ` +
        `it has ${config.vocabSize}`,
    );
  }
  return { config, codec: await loadGpt2Tokenizer(), parameters: () => toParameters(parameters) };
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

if (import.meta.main) await runCommand(program, Deno.args);
