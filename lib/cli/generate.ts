/** `deno task generate RUN|GPT2_FOLDER`: continues a prompt with a trained model. */
import type { Command } from "commander";
import { generateText, type WhichWeights } from "../study/mod.ts";
import { append, command, runCommand } from "./command.ts";
import { MODEL_HELP, RECORDED_CODE_HELP, RUN_DATA_HELP, WEIGHTS_HELP, whichWeights } from "./model_flags.ts";
import { numberOption } from "./numbers.ts";

interface Options {
  prompt?: string;
  maxTokens?: number;
  temperature: number;
  topK?: number;
  topP?: number;
  seed: number;
  weights: WhichWeights;
  runRecordedCode?: boolean;
  data?: string[];
  threads?: number;
}

export const program: Command = command(
  "generate",
  "Continue a prompt with a trained model, and print the prompt with its continuation.",
)
  .argument("<model>", MODEL_HELP)
  .option("--prompt <text>", "text to continue (default: a line break)")
  .option("--max-tokens <n>", "number of tokens to generate (default: 100)", numberOption("--max-tokens"))
  .option(
    "--temperature <x>",
    "sampling temperature; 0: always the most likely token",
    numberOption("--temperature"),
    1,
  )
  .option("--top-k <k>", "sample only from the k most likely tokens (default: all)", numberOption("--top-k"))
  .option(
    "--top-p <p>",
    "sample only from the most likely tokens that together have probability p (default: all)",
    numberOption("--top-p"),
  )
  .option("--seed <n>", "sampling seed", numberOption("--seed"), 1)
  .option("--data <corpus>", RUN_DATA_HELP, append)
  .option("--weights <which>", WEIGHTS_HELP, whichWeights, "last")
  .option("--run-recorded-code", RECORDED_CODE_HELP)
  .option("--threads <n>", "number of threads (default: the number of cores)", numberOption("--threads"))
  .action(print);

async function print(folder: string, { maxTokens, ...options }: Options): Promise<void> {
  console.log(await generateText(folder, { ...options, maxNewTokens: maxTokens }));
}

if (import.meta.main) await runCommand(program, Deno.args);
