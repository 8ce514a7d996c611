/** `deno task evaluate RUN|GPT2_FOLDER`: the loss of a trained model, over a text, by position, by token. */
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
  type OpenedModel,
  openModel,
  RUN_DATA_HELP,
  startTensorFlow,
  type WhichWeights,
  whichWeights,
} from "./open_model.ts";

/** Sequences that are evaluated at once, where nothing else is said. */
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
  "Says what loss a trained model has: of a run on its whole validation part.",
)
  .argument("<model>", "a run's folder, or a folder with a GPT-2 as transformers saves it")
  .option("--file <path>", "evaluate this text in UTF-8, all of it")
  .option("--text <text>", "evaluate this text, and print the loss of each of its tokens")
  .option("--eval-tokens <n>", "targets to evaluate, in whole windows, or all", tokens, "all")
  .option("--seq <T>", "tokens in a window (default: as many as the model reads)", numberOption("--seq"))
  .option("--batch <B>", "windows at once", numberOption("--batch"), BATCH)
  .option("--amp <policy>", "off, on, or the name of a policy (default: what the run trained with)")
  .option("--positions", "print the mean loss of each position in a window, too")
  .option("--json", "print JSON")
  .option("--data <corpus>", RUN_DATA_HELP, append)
  .option("--weights <which>", "of a run: last, or best (where the run kept them)", whichWeights, "last")
  .option("--threads <n>", "threads (default: TensorFlow's choice)", numberOption("--threads"))
  .action(evaluateModel);

function tokens(text: string): number | "all" {
  return text === "all" ? text : numberOf("--eval-tokens", text);
}

async function evaluateModel(folder: string, options: Options): Promise<void> {
  using model = await openModel(folder, { action: "evaluate", weights: options.weights, data: options.data });
  const { what, ids } = await targetsOf(model, { folder, options });
  if (ids.length < 2) {
    throw new UserError(`Cannot evaluate ${what}: wanted at least two tokens: it has ${ids.length}`);
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

/** What is evaluated: a text, a file, or the run's validation part. */
async function targetsOf(
  { tokenizer, run }: OpenedModel,
  { folder, options: { text, file } }: { folder: string; options: Options },
): Promise<{ what: string; ids: Tokens }> {
  if (text !== undefined && file !== undefined) {
    throw new UserError("Cannot evaluate: wanted --text or --file: given both");
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
      `Cannot evaluate ${folder}: wanted --file or --text, since a GPT-2 has no validation part`,
    );
  }
  return { what: `the validation part of ${run.data}`, ids: await run.validation() };
}

/** Encodes a text. Tokenizers with a normalizer or unknown tokens may lose some of it: that is told. */
function encode(tokenizer: Tokenizer, text: string): Int32Array {
  const ids = asUserError(() => tokenizer.encode(text));
  if (tokenizer.decode(ids) !== text) {
    console.error("the tokens do not give back the text: bits per byte counts the bytes of the tokens");
  }
  return ids;
}

function sizesOf(
  { config }: OpenedModel,
  { seq = config.blockSize, batch, evalTokens }: Options,
): Pick<EvaluateOptions, "T" | "B" | "maxTokens"> {
  if (seq > config.blockSize) {
    throw new UserError(
      `Cannot evaluate: expected --seq from 1 to ${config.blockSize}, which the model reads, got ${seq}.`,
    );
  }
  return { T: seq, B: batch, maxTokens: evalTokens };
}

/** The run's precision, unless another is asked for. */
function precisionOf({ run }: OpenedModel, { amp }: Options): Pick<EvaluateOptions, "policy" | "overrides"> {
  if (amp === undefined) {
    return run === undefined
      ? { policy: "float32" }
      : { policy: run.spec.policy as PolicyName, overrides: run.spec.overrides };
  }
  const [policy, ...others] = list(amp).map((word) => policyName(word));
  if (policy === undefined || others.length > 0) {
    throw new UserError(`Cannot evaluate: --amp must name one policy: it is ${JSON.stringify(amp)}`);
  }
  return { policy: policy as PolicyName }; // what it names is checked where it is used
}

/** Each target as text, and its loss. */
function lossesOf(
  parameters: Parameters,
  { model: { tokenizer }, given }: { model: OpenedModel; given: EvaluateOptions },
): { token: string; loss: number }[] {
  return [...targetLosses(parameters, given)].flatMap(({ batch, losses }) =>
    Array.from(losses, (loss, i) => ({ token: tokenizer.decode([batch.y[i]!]), loss }))
  );
}

/** JSON in which numbers that are not finite are their names, as in journals. */
function jsonOf(value: object): string {
  return JSON.stringify(
    value,
    (_, item) => typeof item === "number" && !Number.isFinite(item) ? String(item) : item,
  );
}

if (import.meta.main) await runCommand(program, Deno.args);
