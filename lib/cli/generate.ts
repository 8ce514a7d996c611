/** `deno task generate RUN|GPT2_FOLDER`: continues a prompt with a trained model. */
import type { Command } from "commander";
import { generateTexts, type WhichWeights } from "../study/mod.ts";
import { append, command, escaped, runCommand } from "./command.ts";
import { MODEL_HELP, RECORDED_CODE_HELP, RUN_DATA_HELP, WEIGHTS_HELP, whichWeights } from "./model_flags.ts";
import { numberOption } from "./numbers.ts";

interface Options {
  prompt?: string[];
  stop?: string[];
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
  .option("--prompt <text>", "text to continue; repeatable (default: a line break)", append)
  .option(
    "--stop <text>",
    "stop when the model generates this text, which is not printed; \\n is a line break; repeatable (default: none)",
    appendEscaped,
  )
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

/** Collects texts in which `\n` and `\t` stand for a line break and a tab. */
function appendEscaped(text: string, before?: string[]): string[] {
  return append(escaped(text), before);
}

async function print(folder: string, { maxTokens, prompt = [], ...options }: Options): Promise<void> {
  const texts = await generateTexts(folder, prompt, { ...options, maxNewTokens: maxTokens });
  console.log(texts.join("\n\n"));
}

if (import.meta.main) await runCommand(program, Deno.args);
