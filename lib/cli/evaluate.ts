/** `deno task evaluate RUN|GPT2_FOLDER`: evaluates the loss of a trained model: mean, per position, per token. */
import { printable, printableJson } from "../error/printable.ts";
import { UserError } from "../error/user_error.ts";
import { readText } from "../file/text.ts";
import { type Parameters, toParameters } from "../model/mod.ts";
import type { PolicyName } from "../tensorflow/mod.ts";
import type { Tokenizer, Tokens } from "../text/mod.ts";
import { policyName } from "../run/mod.ts";
import { evaluate, type EvaluateOptions, perplexity, targetLosses } from "../train/mod.ts";
import { append, command, list, runCommand } from "./command.ts";
import { numberOf, numberOption } from "./numbers.ts";
import {
  asUserError,
  MODEL_HELP,
  type OpenedModel,
  openModel,
  RUN_DATA_HELP,
  startTensorFlow,
  WEIGHTS_HELP,
  type WhichWeights,
  whichWeights,
} from "./open_model.ts";

/** Default number of windows per batch. */
const BATCH = 16;

interface Options {
  file?: string;
  text?: string;
  evalTokens: number | "all";
  seq?: number;
  batch: number;
  amp?: string;
  positions?: boolean;
  json?: boolean;
  weights: WhichWeights;
  data?: string[];
  threads?: number;
}

const program = command(
  "evaluate",
  "Evaluate the loss of a trained model. A run is evaluated on its whole validation split by default.",
)
  .argument("<model>", MODEL_HELP)
  .option("--file <path>", "evaluate a UTF-8 text file")
  .option("--text <text>", "evaluate this text, and print the loss per token")
  .option("--eval-tokens <n>", "number of targets, rounded to whole windows, or all", tokens, "all")
  .option("--seq <T>", "window length in tokens (default: the model's context length)", numberOption("--seq"))
  .option("--batch <B>", "windows per batch", numberOption("--batch"), BATCH)
  .option(
    "--amp <policy>",
    "precision policy: off, on, or a policy name (default: the run's; off for a GPT-2)",
  )
  .option("--positions", "also print the mean loss per position")
  .option("--json", "print JSON")
  .option("--data <corpus>", RUN_DATA_HELP, append)
  .option("--weights <which>", WEIGHTS_HELP, whichWeights, "last")
  .option("--threads <n>", "number of threads (default: chosen by TensorFlow)", numberOption("--threads"))
  .action(evaluateModel);

function tokens(text: string): number | "all" {
  return text === "all" ? text : numberOf("--eval-tokens", text);
}

async function evaluateModel(folder: string, options: Options): Promise<void> {
  using model = await openModel(folder, { action: "evaluate", weights: options.weights, data: options.data });
  const { what, ids } = await targetsOf(model, { folder, options });
  if (ids.length < 2) {
    throw new UserError(`Cannot evaluate ${what}: expected at least two tokens, got ${ids.length}.`);
  }
  const given: EvaluateOptions = {
    model: model.config,
    byteLengths: model.tokenizer.byteLengths,
    tokens: ids,
    ...sizesOf(model, options),
    ...precisionOf(model, options),
  };
  await startTensorFlow(options.threads);
  const parameters = toParameters(model.parameters);
  const { positionLoss, ...result } = asUserError(() => evaluate(parameters, given));
  const figures = { what, ...result, perplexity: perplexity(result.loss) };
  const positions = options.positions === true ? { positionLoss: Array.from(positionLoss) } : {};
  const single = options.text === undefined ? {} : { tokenLoss: lossesOf(parameters, { model, given }) };
  if (options.json === true) {
    return console.log(printableJson(jsonOf({ ...figures, ...positions, ...single })));
  }
  console.log(
    `${printable(what)}: loss ${result.loss.toFixed(4)} nats per token, perplexity ${
      figures.perplexity.toFixed(2)
    }, ` +
      `${result.bitsPerByte.toFixed(4)} bits per byte, over ${result.tokens.toLocaleString("en-US")} targets`,
  );
  for (const [t, loss] of (positions.positionLoss ?? []).entries()) {
    console.log(`position ${String(t).padStart(5)}  ${loss.toFixed(4)}`);
  }
  for (const { token, loss } of single.tokenLoss ?? []) {
    console.log(`${loss.toFixed(4).padStart(9)}  ${JSON.stringify(token)}`);
  }
}

/** Returns the tokens to evaluate and their description: a text, a file, or the run's validation split. */
async function targetsOf(
  { tokenizer, run }: OpenedModel,
  { folder, options: { text, file } }: { folder: string; options: Options },
): Promise<{ what: string; ids: Tokens }> {
  if (text !== undefined && file !== undefined) {
    throw new UserError("Cannot evaluate: expected --text or --file, got both.");
  }
  if (text !== undefined) return { what: "the text", ids: encode(tokenizer, text) };
  if (file !== undefined) {
    let text: string;
    try {
      text = readText(file);
    } catch (cause) {
      throw new UserError(`Cannot evaluate ${file}: ${cause instanceof Error ? cause.message : cause}`, {
        cause,
      });
    }
    return { what: file, ids: encode(tokenizer, text) };
  }
  if (run === undefined) {
    throw new UserError(
      `Cannot evaluate ${folder}: expected --file or --text, got neither. A GPT-2 folder has no validation split.`,
    );
  }
  return { what: `the validation split of ${run.data}`, ids: await run.validation() };
}

/** Encodes a text. Prints a warning if the tokenizer is lossy for it (normalizer, unknown tokens). */
function encode(tokenizer: Tokenizer, text: string): Int32Array {
  const ids = asUserError(() => tokenizer.encode(text));
  if (tokenizer.decode(ids) !== text) {
    console.error(
      "warning: decoding the tokens does not return the text; bits per byte counts the bytes of the tokens",
    );
  }
  return ids;
}

function sizesOf(
  { config }: OpenedModel,
  { seq = config.blockSize, batch, evalTokens }: Options,
): Pick<EvaluateOptions, "T" | "B" | "maxTokens"> {
  if (seq > config.blockSize) {
    throw new UserError(
      `Cannot evaluate: expected --seq from 1 to the model's context length ${config.blockSize}, got ${seq}.`,
    );
  }
  return { T: seq, B: batch, maxTokens: evalTokens };
}

/** Returns the precision of `--amp`, else the run's, else float32. */
function precisionOf({ run }: OpenedModel, { amp }: Options): Pick<EvaluateOptions, "policy" | "overrides"> {
  if (amp === undefined) {
    return run === undefined
      ? { policy: "float32" }
      : { policy: run.spec.policy as PolicyName, overrides: run.spec.overrides };
  }
  const [policy, ...others] = list(amp).map((word) => policyName(word));
  if (policy === undefined || others.length > 0) {
    throw new UserError(`Cannot use --amp: expected one policy, got ${JSON.stringify(amp)}.`);
  }
  return { policy: policy as PolicyName }; // validated by evaluate()
}

/** Returns the text and the loss of each target, in nats. */
function lossesOf(
  parameters: Parameters,
  { model: { tokenizer }, given }: { model: OpenedModel; given: EvaluateOptions },
): { token: string; loss: number }[] {
  return [...targetLosses(parameters, given)].flatMap(({ batch, losses }) =>
    Array.from(losses, (loss, i) => ({ token: tokenizer.decode([batch.y[i]!]), loss }))
  );
}

/** Serializes a value as JSON. Non-finite numbers become strings, as in journals. */
function jsonOf(value: object): string {
  return JSON.stringify(
    value,
    (_, item) => typeof item === "number" && !Number.isFinite(item) ? String(item) : item,
  );
}

if (import.meta.main) await runCommand(program, Deno.args);
