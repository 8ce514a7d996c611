/** `deno task generate RUN|GPT2_FOLDER`: text that a model makes after a prompt. */
import { UserError } from "../error/user_error.ts";
import { generateTokens, toParameters } from "../model/mod.ts";
import type { Tokenizer } from "../text/mod.ts";
import { append, command, runCommand } from "./command.ts";
import { numberOption } from "./numbers.ts";
import {
  asUserError,
  openModel,
  RUN_DATA_HELP,
  startTensorFlow,
  type WhichWeights,
  whichWeights,
} from "./open_model.ts";

interface Options {
  prompt?: string;
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  seed: number;
  weights: WhichWeights;
  data?: string[];
  threads?: number;
}

const program = command("generate", "Goes on from a prompt with a trained model, and prints prompt and text.")
  .argument("<model>", "a run's folder, or a folder with a GPT-2 as transformers saves it")
  .option("--prompt <text>", "what to go on from (default: a line break)")
  .option("--max-tokens <n>", "tokens to make", numberOption("--max-tokens"), 200)
  .option(
    "--temperature <x>",
    "below 1 bolder in the likely, above 1 wilder; 0: always the likeliest",
    numberOption("--temperature"),
    1,
  )
  .option("--top-k <k>", "choose among the k likeliest tokens only (default: all)", numberOption("--top-k"))
  .option(
    "--top-p <p>",
    "choose among the likeliest tokens that hold the share p only (default: all)",
    numberOption("--top-p"),
  )
  .option("--seed <n>", "seed of the choices", numberOption("--seed"), 1)
  .option("--data <corpus>", RUN_DATA_HELP, append)
  .option("--weights <which>", "of a run: last, or best (where the run kept them)", whichWeights, "last")
  .option("--threads <n>", "threads (default: TensorFlow's choice)", numberOption("--threads"))
  .action(speak);

async function speak(folder: string, options: Options): Promise<void> {
  const { prompt: given, maxTokens: maxNewTokens, threads, weights, data, ...sampling } = options;
  using model = await openModel(folder, { action: "generate with", weights, data });
  const { config, tokenizer } = model;
  const prompt = given ?? beginning(tokenizer);
  const ids = asUserError(() => tokenizer.encode(prompt));
  if (ids.length === 0) {
    throw new UserError("Cannot generate: --prompt must have at least one token: it is empty");
  }
  await startTensorFlow(threads);
  const parameters = toParameters(model.parameters);
  const made = asUserError(() =>
    generateTokens(parameters, config, {
      prompt: ids,
      maxNewTokens,
      vocabSize: tokenizer.vocabSize,
      ...sampling,
    })
  );
  console.log(prompt + tokenizer.decode(made));
}

/** What a text may begin with: a line break, or the first token where the vocabulary has none. */
function beginning(tokenizer: Tokenizer): string {
  try {
    tokenizer.encode("\n");
    return "\n";
  } catch (error) {
    if (error instanceof RangeError) return tokenizer.decode([0]);
    throw error;
  }
}

if (import.meta.main) await runCommand(program, Deno.args);
