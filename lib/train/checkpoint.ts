/**
 * A training state as bytes and back: weights, what the optimizer keeps, the moving average, the step, the state of the
 * batches' stream, and what evaluations have come to.
 *
 * @module
 */
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { parseJson } from "../file/json.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  fromParameters,
  type GptConfig,
  type ParameterRecord,
  type Parameters,
  parameterShapes,
  toParameters,
} from "../model/mod.ts";
import { describePolicy, type PolicyName, type PrecisionOverride } from "../precision/mod.ts";
import type { BatchCursor, Sampling } from "../text/mod.ts";
import { type EvaluationHistory, NO_HISTORY } from "./early_stop.ts";
import { type OptimizerConfig, optimizerSlots } from "./optimizer.ts";
import { COMPENSATION, isCompensated, stateFormats } from "./state_format.ts";
import type { TrainState } from "./step.ts";

/** The form of the files. */
const FORMAT = "losskit-checkpoint/1";

/** What a checkpoint holds beside tensors. */
export interface Progress {
  /** Steps done. */
  readonly step: number;
  /** Where the stream of batches stands. */
  readonly cursor: BatchCursor;
  /** What evaluations have come to; left out where nothing depends on it. */
  readonly history?: EvaluationHistory | undefined;
}

/** The run that a checkpoint must be of. */
export interface Expected {
  /** The file's name, for errors. */
  readonly name: string;
  /** The model. */
  readonly model: GptConfig;
  /** The optimizer. Default: AdamW. */
  readonly optimizer?: OptimizerConfig | undefined;
  /** Decay of the weights' moving average; 0 (default): there is none. */
  readonly emaDecay?: number | undefined;
  /** How batches are chosen, or `any` where the caller draws its own. Default: random. */
  readonly sampling?: Sampling | "any" | undefined;
  /** The precision policy. Default: float32. */
  readonly policy?: PolicyName | undefined;
  /** Formats of layers and classes of operations. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
}

/** Prefix of what is kept beside weights, by what it is: `adamw.m.`, `adamw.v.`, `sgd.momentum.`, `compensation.`. */
function slotPrefix(slot: string): string {
  if (slot === COMPENSATION) return `${slot}.`;
  return `${slot === "momentum" ? "sgd" : "adamw"}.${slot}.`;
}

/** Prefix of the moving average. */
const EMA = "ema.";

/** The gradient scaler's tensor. */
const SCALER = "scaler";

/** The bytes of a checkpoint. Equal states give equal bytes: no time is in it. */
export function encodeCheckpoint(state: TrainState, progress: Progress): Uint8Array<ArrayBuffer> {
  const tensors: ParameterRecord = {};
  const add = (prefix: string, parameters: Parameters) => {
    for (const [name, values] of Object.entries(fromParameters(parameters))) tensors[prefix + name] = values;
  };
  add("", state.parameters);
  for (const [slot, values] of Object.entries(state.moments)) add(slotPrefix(slot), values);
  add(EMA, state.ema ?? {});
  if (state.scaler !== undefined) add("", { [SCALER]: state.scaler });
  return encodeSafetensors({
    tensors,
    metadata: {
      format: FORMAT,
      step: String(progress.step),
      ["windows" in progress.cursor ? "batches" : "random"]: JSON.stringify(progress.cursor),
      ...(progress.history && { evaluations: JSON.stringify(progress.history) }),
    },
  });
}

/**
 * What a checkpoint holds beside tensors.
 *
 * @throws {UserError} when the bytes are no whole checkpoint.
 */
export function checkpointProgress(bytes: Uint8Array<ArrayBuffer>, name: string): Progress {
  return progressOf(decodeSafetensors(bytes, name, { skip: () => true }).metadata, name);
}

/**
 * The weights in a checkpoint alone: their moving average where it has one, which is what the run's evaluations judge.
 * How the run chose batches, and with what optimizer and precision it trained, does not matter.
 *
 * @param bytes The file's bytes.
 * @param expected The file's name for errors, and the model.
 * @throws {UserError} when it is damaged, no checkpoint, or of another model.
 */
export function checkpointWeights(
  bytes: Uint8Array<ArrayBuffer>,
  expected: Pick<Expected, "name" | "model">,
): ParameterRecord {
  const { name, model } = expected;
  const shapes = Object.entries(parameterShapes(model));
  const wanted = new Set(shapes.flatMap(([name]) => [name, EMA + name]));
  const { tensors, metadata } = decodeSafetensors(bytes, name, { skip: (tensor) => !wanted.has(tensor) });
  progressOf(metadata, name); // refuses what is no checkpoint
  const prefix = EMA + shapes[0]![0] in tensors ? EMA : "";
  return Object.fromEntries(shapes.map(([tensor, shape]) => {
    const found = tensors[prefix + tensor];
    if (found !== undefined && String(found.shape) === String(shape)) return [tensor, found];
    throw new UserError(
      `Cannot use the weights in ${name}: wanted ${prefix + tensor} of shape [${shape}]: ` +
        `it has ${found === undefined ? "none" : `one of shape [${found.shape}]`}`,
    );
  }));
}

const word = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const randomSchema = v.strictObject({
  algorithm: v.literal("xoshiro128**"),
  words: v.pipe(v.tuple([word, word, word, word]), v.check((words) => words.some((one) => one !== 0))),
  spareNormal: v.nullable(v.number()),
});
const windowsSchema = v.strictObject({ windows: count });
const historySchema = v.strictObject({
  best: v.optional(v.strictObject({ step: count, loss: v.pipe(v.number(), v.finite()) })),
  waited: count,
});

function progressOf(metadata: Record<string, string>, name: string): Progress {
  const refuse = (reason: string): never => {
    throw new UserError(`Cannot use ${name}: wanted a losskit checkpoint: ${reason}`);
  };
  const read = <S extends v.GenericSchema>(field: string, schema: S): v.InferOutput<S> => {
    let value: unknown;
    try {
      value = parseJson(metadata[field] ?? "");
    } catch {
      refuse(`its metadata has no ${field}`);
    }
    const result = v.safeParse(schema, value);
    return result.success ? result.output : refuse(`its metadata's ${field} is ${metadata[field]}`);
  };
  if (metadata["format"] !== FORMAT) refuse(`its format is ${metadata["format"] ?? "not named"}`);
  const step = read("step", count);
  const cursor = metadata["batches"] === undefined
    ? read("random", randomSchema)
    : read("batches", windowsSchema);
  if (metadata["evaluations"] === undefined) return { step, cursor };
  const { best, waited } = read("evaluations", historySchema);
  return { step, cursor, history: { best, waited } };
}

/**
 * Reads a checkpoint.
 *
 * @param bytes The file's bytes.
 * @param expected The run that it must be of.
 * @throws {UserError} when it is damaged, or of another model or optimizer.
 */
export function decodeCheckpoint(
  bytes: Uint8Array<ArrayBuffer>,
  expected: Expected,
): { state: TrainState; progress: Progress & { history: EvaluationHistory } } {
  const { tensors, metadata } = decodeSafetensors(bytes, expected.name);
  const progress = progressOf(metadata, expected.name);
  const shapes = Object.entries(parameterShapes(expected.model));
  const { optimizer, policy = "float32", overrides } = expected;
  const formats = stateFormats(shapes.map(([name]) => name), { policy, overrides });
  const slots = [
    ...(optimizer === undefined ? ["m", "v"] : optimizerSlots(optimizer)),
    ...(isCompensated(formats) ? [COMPENSATION] : []),
  ];
  const withEma = (expected.emaDecay ?? 0) > 0;
  const prefixes = ["", ...slots.map(slotPrefix), ...(withEma ? [EMA] : [])];
  const scaled = describePolicy(policy).scaled === true;
  const wanted = new Map(prefixes.flatMap((prefix) => shapes.map(([name, shape]) => [prefix + name, shape])));
  if (scaled) wanted.set(SCALER, [2]);
  const refuse = (reason: string): never => {
    throw new UserError(`Cannot resume from ${expected.name}: ${reason}`);
  };
  // Everything is looked at before the first tensor is made, so that a refusal leaves none behind.
  for (const [name, shape] of wanted) {
    const tensor = tensors[name];
    if (String(tensor?.shape) === String(shape)) continue;
    refuse(
      `wanted ${name} of shape [${shape}]: ` +
        `it has ${tensor === undefined ? "none" : `one of shape [${tensor.shape}]`}`,
    );
  }
  const { sampling = "random" } = expected;
  if (sampling !== "any" && "windows" in progress.cursor === (sampling === "random")) {
    refuse(`wanted one of ${sampling} batches: their cursor is ${JSON.stringify(progress.cursor)}`);
  }
  const extra = Object.keys(tensors).find((name) => !wanted.has(name));
  if (extra !== undefined) refuse(`it has the tensor ${extra}, which this run has no use for`);
  const pick = (prefix: string): Parameters =>
    toParameters(Object.fromEntries(shapes.map(([name]) => [name, tensors[prefix + name]!])));
  return {
    state: {
      parameters: pick(""),
      moments: Object.fromEntries(slots.map((slot) => [slot, pick(slotPrefix(slot))])),
      ...(withEma && { ema: pick(EMA) }),
      ...(scaled && toParameters({ [SCALER]: tensors[SCALER]! })),
    },
    progress: { ...progress, history: progress.history ?? NO_HISTORY },
  };
}
