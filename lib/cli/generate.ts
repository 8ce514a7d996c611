/** `deno task generate RUN|GPT2_FOLDER`: continues a prompt with a trained model. */
import { UserError } from "../error/user_error.ts";
import { generateTokens, toParameters } from "../model/mod.ts";
import type { Tokenizer } from "../text/mod.ts";
import { append, command, runCommand } from "./command.ts";
import { numberOption } from "./numbers.ts";
import {
  asUserError,
  MODEL_HELP,
  openModel,
  RUN_DATA_HELP,
  startTensorFlow,
  WEIGHTS_HELP,
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

const program = command(
  "generate",
  "Continue a prompt with a trained model, and print prompt and continuation.",
)
  .argument("<model>", MODEL_HELP)
  .option("--prompt <text>", "text to continue (default: a line break)")
  .option("--max-tokens <n>", "number of tokens to generate", numberOption("--max-tokens"), 200)
  .option(
    "--temperature <x>",
    "sampling temperature; 0: greedy",
    numberOption("--temperature"),
    1,
  )
  .option("--top-k <k>", "sample from the k most likely tokens only (default: all)", numberOption("--top-k"))
  .option(
    "--top-p <p>",
    "sample from the most likely tokens with a total probability of p only (default: all)",
    numberOption("--top-p"),
  )
  .option("--seed <n>", "sampling seed", numberOption("--seed"), 1)
  .option("--data <corpus>", RUN_DATA_HELP, append)
  .option("--weights <which>", WEIGHTS_HELP, whichWeights, "last")
  .option("--threads <n>", "number of threads (default: chosen by TensorFlow)", numberOption("--threads"))
  .action(speak);

async function speak(folder: string, options: Options): Promise<void> {
  const { prompt: given, maxTokens: maxNewTokens, threads, weights, data, ...sampling } = options;
  using model = await openModel(folder, { action: "generate with", weights, data });
  const { config, tokenizer } = model;
  const prompt = given ?? beginning(tokenizer);
  const ids = asUserError(() => tokenizer.encode(prompt));
  if (ids.length === 0) {
    throw new UserError("Cannot generate: expected a --prompt of at least one token, got an empty text.");
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

/** Returns the default prompt: a line break, or the first token if the vocabulary has no line break. */
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
