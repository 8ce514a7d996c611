/** `deno task evaluate RUN|GPT2_FOLDER`: evaluates the loss of a trained model: mean, per position, per token. */
import type { Command } from "commander";
import { policyWord } from "./flag_words.ts";
import { printable, printableJson } from "../error/printable.ts";
import { UserError } from "../error/user_error.ts";
import { PLAIN_FORMAT_NAMES, type PolicyWord } from "../precision/mod.ts";
import { evaluateModel, type WhichWeights } from "../study/mod.ts";
import { append, command, oneName, printText, runCommand } from "./command.ts";
import { MODEL_HELP, RECORDED_CODE_HELP, RUN_DATA_HELP, WEIGHTS_HELP, whichWeights } from "./model_flags.ts";
import { numberOf, numberOption } from "./numbers.ts";

interface Options {
  file?: string;
  text?: string;
  evalBytes?: number | "all";
  evalTokens?: number | "all";
  seq?: number;
  batch?: number;
  amp?: PolicyWord; // checked by the library
  quantize?: string;
  quantizeActivations?: boolean;
  positions?: boolean;
  json?: boolean;
  weights: WhichWeights;
  runRecordedCode?: boolean;
  data?: string[];
  threads?: number;
}

export const program: Command = command(
  "evaluate",
  "Measure the loss of a trained model on the validation split of its text, or on your own text.",
)
  .argument("<model>", MODEL_HELP)
  .option("--file <file>", "measure the loss of a UTF-8 text file")
  .option("--text <text>", "measure the loss of this text, and print the loss of each token")
  .option(
    "--eval-bytes <n>",
    "bytes at the start of the text whose tokens are measured, or all (default: the bytes of the run's evaluations for its validation split; all with --eval-tokens or your own text)",
    limit("--eval-bytes"),
  )
  .option(
    "--eval-tokens <n>",
    "number of tokens whose loss is measured, rounded down to whole windows, or all (default: the number of the run's evaluations for its validation split; all with --eval-bytes or your own text)",
    limit("--eval-tokens"),
  )
  .option("--seq <T>", "window length in tokens (default: the model's context length)", numberOption("--seq"))
  .option(
    "--batch <B>",
    "windows per batch; it changes the loss by rounding only (default: the batch size of the run; 16 for a Hugging Face folder)",
    numberOption("--batch"),
  )
  .option(
    "--amp <policy>",
    "precision policy: off, on, or a policy name (default: the policy of the run; off for a Hugging Face folder)",
    (text: string) => policyWord(oneName("--amp")(text)),
  )
  .option(
    "--quantize <format>",
    "also measure the loss after rounding the weights of all linear layers in the blocks to a format, for example mxfp8, " +
      `mxfp4, nvfp4, e4m3fn/tensor or e4m3fn-stochastic: FORMAT or FORMAT/SCALING. FORMAT: ${PLAIN_FORMAT_NAMES}; rounded to ` +
      "nearest, unless -stochastic or -truncate follows. SCALING: tensor, row, mx, mx-ceil, nvfp4. mxfp8 is e4m3fn/mx, " +
      "mxfp6 e3m2fn/mx, mxfp4 e2m1fn/mx and nvfp4 e2m1fn/nvfp4",
  )
  .option("--quantize-activations", "with --quantize: quantize the inputs of these layers too")
  .option("--positions", "also print the mean loss at each position of the window")
  .option("--json", "print the result as JSON")
  .option("--data <corpus>", RUN_DATA_HELP, append)
  .option("--weights <which>", WEIGHTS_HELP, whichWeights, "last")
  .option("--run-recorded-code", RECORDED_CODE_HELP)
  .option("--threads <n>", "number of threads (default: the number of cores)", numberOption("--threads"))
  .action(print);

function limit(flag: "--eval-tokens" | "--eval-bytes"): (text: string) => number | "all" {
  return (text) => text === "all" ? text : numberOf(flag, text);
}

async function print(folder: string, options: Options): Promise<void> {
  const { text, file, weights, data, threads, json } = options;
  const { quantize: format, quantizeActivations: activations } = options;
  if (activations && format === undefined) {
    throw new UserError("Cannot use --quantize-activations: expected --quantize with a format, got none.");
  }
  const { positionLoss, tokenLoss, ...metrics } = await evaluateModel(folder, {
    ...{ text, file, weights, data, threads, policy: options.amp },
    quantize: format === undefined ? undefined : { format, activations },
    ...{
      maxTokens: options.evalTokens,
      maxBytes: options.evalBytes,
      blockSize: options.seq,
      batchSize: options.batch,
    },
  });
  const positions = options.positions ? Array.from(positionLoss) : undefined;
  if (json) return console.log(printableJson(jsonOf({ ...metrics, positionLoss: positions, tokenLoss })));
  const { what, loss, perplexity, bitsPerByte, tokens, quantized } = metrics;
  printText(
    `${printable(what)}: loss ${loss.toFixed(4)} nats per token, perplexity ${perplexity.toFixed(2)}, ` +
      `${bitsPerByte.toFixed(4)} bits per byte, over ${tokens.toLocaleString("en-US")} target${
        tokens === 1 ? "" : "s"
      }`,
  );
  if (quantized !== undefined) {
    const signed = (value: number) => `${value < 0 ? "" : "+"}${value.toFixed(4)}`;
    printText(
      `${
        quantized.activations ? "weights and activations" : "weights"
      } of linear layers in ${quantized.format}: ` +
        `loss ${quantized.loss.toFixed(4)} nats per token (${signed(quantized.loss - loss)}), perplexity ` +
        `${quantized.perplexity.toFixed(2)}, ${quantized.bitsPerByte.toFixed(4)} bits per byte (${
          signed(quantized.bitsPerByte - bitsPerByte)
        })`,
    );
  }
  for (const [t, loss] of (positions ?? []).entries()) {
    console.log(`position ${String(t).padStart(5)}  ${loss.toFixed(4)}`);
  }
  for (const { token, loss } of tokenLoss ?? []) {
    console.log(`${loss.toFixed(4).padStart(9)}  ${JSON.stringify(token)}`);
  }
}

/** Serializes a value as JSON. Non-finite numbers become strings, as in journals. */
function jsonOf(value: object): string {
  return JSON.stringify(
    value,
    (_, item) => typeof item === "number" && !Number.isFinite(item) ? String(item) : item,
  );
}

if (import.meta.main) await runCommand(program, Deno.args);
