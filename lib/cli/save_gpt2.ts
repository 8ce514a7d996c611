/** `deno task save-gpt2 RUN FOLDER`: saves a trained model for transformers. */
import type { Command } from "commander";
import { printable } from "../error/printable.ts";
import { InvalidArgumentError } from "commander";
import type { StoredDtype } from "../model/mod.ts";
import { saveModel, type WhichWeights } from "../study/mod.ts";
import { append, command, runCommand } from "./command.ts";
import { MODEL_HELP, RECORDED_CODE_HELP, RUN_DATA_HELP, WEIGHTS_HELP, whichWeights } from "./model_flags.ts";
import { numberOption } from "./numbers.ts";

/** Stored types by value of `--dtype`. */
const DTYPES: Readonly<Record<string, StoredDtype>> = { float32: "F32", bfloat16: "BF16", float16: "F16" };

interface Options {
  weights: WhichWeights;
  runRecordedCode?: boolean;
  data?: string[];
  dtype?: StoredDtype;
  maxShardBytes?: number;
  overwrite?: boolean;
}

export const program: Command = command(
  "save-gpt2",
  "Save a trained model and its tokenizer as a Hugging Face GPT-2 or LLaMA, according to the model's options.",
)
  .argument("<model>", MODEL_HELP)
  .argument(
    "<folder>",
    "output folder; the command fails if it contains files with the same names, unless --overwrite is given",
  )
  .option(
    "--dtype <type>",
    `number format of the weights: ${Object.keys(DTYPES).join(", ")} (default: unchanged)`,
    storedDtype,
  )
  .option(
    "--max-shard-bytes <n>",
    "largest size of one weights file, in bytes (default: 5e9)",
    numberOption("--max-shard-bytes"),
  )
  .option("--overwrite", "replace existing files of the same names")
  .option("--data <corpus>", RUN_DATA_HELP, append)
  .option("--weights <which>", WEIGHTS_HELP, whichWeights, "last")
  .option("--run-recorded-code", RECORDED_CODE_HELP)
  .action(save);

function storedDtype(text: string): StoredDtype {
  const dtype = Object.hasOwn(DTYPES, text) ? DTYPES[text] : undefined;
  if (dtype !== undefined) return dtype;
  throw new InvalidArgumentError(`Expected ${Object.keys(DTYPES).join(", ")}.`);
}

async function save(source: string, folder: string, options: Options): Promise<void> {
  const { summary, replaced } = await saveModel(source, folder, options);
  console.log(`${printable(folder)}: ${summary}`);
  if (replaced.length > 0) console.log(`replaced: ${replaced.join(", ")}`);
}

if (import.meta.main) await runCommand(program, Deno.args);
