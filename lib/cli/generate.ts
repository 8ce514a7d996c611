/** `deno task generate RUN|GPT2_FOLDER`: continues a prompt with a trained model. */
import type { Command } from "commander";
import { printableJson } from "../error/printable.ts";
import { generateTexts, type WhichWeights } from "../study/mod.ts";
import { append, command, escaped, runCommand } from "./command.ts";
import { MODEL_HELP, RECORDED_CODE_HELP, RUN_DATA_HELP, WEIGHTS_HELP, whichWeights } from "./model_flags.ts";
import { numberOption } from "./numbers.ts";

interface Options {
  prompt?: string[];
  prompts?: string;
  batch: number;
  json?: boolean;
  stop?: string[];
  ignoreEos?: boolean;
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
  "Continue prompts with a trained model, and print each prompt with its continuation.",
)
  .argument("<model>", MODEL_HELP)
  .option("--prompt <text>", "text to continue; repeatable (default: a line break)", append)
  .option("--prompts <file>", "UTF-8 text file with one prompt per line")
  .option("--batch <B>", "number of prompts that the model continues at a time", numberOption("--batch"), 8)
  .option(
    "--stop <text>",
    "stop when the model generates this text, which is not printed; \\n is a line break; repeatable (default: none)",
    appendEscaped,
  )
  .option(
    "--ignore-eos",
    "continue after the end-of-text token of a Hugging Face folder (default: the text ends before it)",
  )
  .option(
    "--max-tokens <n>",
    "number of tokens to generate for each prompt (default: 100)",
    numberOption("--max-tokens"),
  )
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
  .option(
    "--seed <n>",
    "seed of the sampling; each prompt gets its own random stream, derived from this seed",
    numberOption("--seed"),
    1,
  )
  .option("--json", "print a JSON list of the texts")
  .option("--data <corpus>", RUN_DATA_HELP, append)
  .option("--weights <which>", WEIGHTS_HELP, whichWeights, "last")
  .option("--run-recorded-code", RECORDED_CODE_HELP)
  .option("--threads <n>", "number of threads (default: the number of cores)", numberOption("--threads"))
  .action(print);

/** Collects texts in which `\n` and `\t` stand for a line break and a tab. */
function appendEscaped(text: string, before?: string[]): string[] {
  return append(escaped(text), before);
}

async function print(folder: string, options: Options): Promise<void> {
  const { maxTokens, prompt = [], prompts, batch, json, ...others } = options;
  const texts = await generateTexts(folder, prompt, {
    ...others,
    ...{ file: prompts, maxNewTokens: maxTokens, batchSize: batch },
  });
  console.log(json ? printableJson(JSON.stringify(texts)) : texts.join("\n\n"));
}

if (import.meta.main) await runCommand(program, Deno.args);
