/** `deno task save-gpt2 RUN FOLDER`: a trained model as transformers' `GPT2LMHeadModel` loads it. */
import { printable } from "../error/printable.ts";
import { InvalidArgumentError } from "commander";
import { UserError } from "../error/user_error.ts";
import { saveGpt2, type StoredDtype, summarizeModel } from "../model/mod.ts";
import { append, command, runCommand } from "./command.ts";
import { numberOption } from "./numbers.ts";
import { openModel, RUN_DATA_HELP, type WhichWeights, whichWeights } from "./open_model.ts";

/** What a number is held in, by the option's word. */
const DTYPES: Readonly<Record<string, StoredDtype>> = { float32: "F32", bfloat16: "BF16", float16: "F16" };

interface Options {
  weights: WhichWeights;
  data?: string[];
  dtype?: StoredDtype;
  maxShardBytes?: number;
  overwrite?: boolean;
}

const program = command(
  "save-gpt2",
  "Saves a trained model and its tokenizer in the files of Hugging Face's GPT-2.",
)
  .argument("<model>", "a run's folder, or a folder with a GPT-2 as transformers saves it")
  .argument("<folder>", "where to save it; files of the same names are an error, but for --overwrite")
  .option("--dtype <type>", `${Object.keys(DTYPES).join(", ")} (default: as the model has them)`, storedDtype)
  .option(
    "--max-shard-bytes <n>",
    "the most bytes of a file of weights (default: 5e9)",
    numberOption("--max-shard-bytes"),
  )
  .option("--overwrite", "replace files of the same names")
  .option("--data <corpus>", RUN_DATA_HELP, append)
  .option("--weights <which>", "of a run: last, or best (where the run kept them)", whichWeights, "last")
  .action(save);

function storedDtype(text: string): StoredDtype {
  const dtype = Object.hasOwn(DTYPES, text) ? DTYPES[text] : undefined;
  if (dtype !== undefined) return dtype;
  throw new InvalidArgumentError(`wanted ${Object.keys(DTYPES).join(", ")}`);
}

async function save(source: string, folder: string, { weights, data, ...options }: Options): Promise<void> {
  using model = await openModel(source, { action: "save", weights, data });
  const { config, parameters, tokenizer, source: origin } = model;
  let replaced: string[];
  try {
    replaced = await saveGpt2(folder, { config, parameters }, { ...options, tokenizer, source: origin });
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(error.message, { cause: error });
    throw error;
  }
  console.log(`${printable(folder)}: ${summarizeModel(config)}`);
  if (replaced.length > 0) console.log(`replaced: ${replaced.join(", ")}`);
}

if (import.meta.main) await runCommand(program, Deno.args);
