/**
 * Encoding of checkpoints. A checkpoint holds weights, optimizer state, moving average, gradient scaler, step, position
 * of the batch stream, and evaluation history.
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
import { delayedOperands } from "./amax.ts";
import { type EvaluationHistory, NO_HISTORY } from "./early_stop.ts";
import { joinRecord, separateRecord, shapesOf } from "./_joined.ts";
import {
  type AdamWConfig,
  isJoined,
  type OptimizerConfig,
  type SlotShapes,
  slotShapes,
} from "./optimizer.ts";
import { COMPENSATION, isCompensated, stateFormats } from "./state_format.ts";
import type { TrainState } from "./step.ts";

/** Version of the file format. */
const FORMAT = "losskit-checkpoint/1";

/** The progress of a run: the content of a checkpoint other than tensors. */
export interface Progress {
  /** Number of steps done. */
  readonly step: number;
  /** Position of the batch stream. */
  readonly cursor: BatchCursor;
  /** Evaluation history. Omitted if the run uses neither early stopping nor `saveBest`. */
  readonly history?: EvaluationHistory | undefined;
}

/** Properties that a checkpoint must match. */
export interface Expected {
  /** Name of the file, for errors. */
  readonly name: string;
  /** The model. */
  readonly model: GptConfig;
  /** The optimizer. Default: AdamW. */
  readonly optimizer?: OptimizerConfig | undefined;
  /** Decay of the weights' moving average. Default: 0, no moving average. */
  readonly emaDecay?: number | undefined;
  /** Sampling method of the batches. `any`: not checked, for callers that draw their own batches. Default: random. */
  readonly sampling?: Sampling | "any" | undefined;
  /** The precision policy. Default: float32. */
  readonly policy?: PolicyName | undefined;
  /** Number formats of layers and operation classes that override the policy. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
}

/**
 * Returns the prefix of an optimizer state's tensors: `adamw.m.`, `adamw.v.`, `sgd.momentum.` or `compensation.`. For
 * other slots, the prefix is `optimizer.SLOT.`.
 */
function slotPrefix(slot: string): string {
  if (slot === COMPENSATION) return `${slot}.`;
  if (slot === "momentum") return `sgd.${slot}.`;
  return `${slot === "m" || slot === "v" ? "adamw" : "optimizer"}.${slot}.`;
}

/** Prefix of the moving average's tensors. */
const EMA = "ema.";

/** Prefix of the maxima of delayed scaling. */
const AMAX = "amax.";

/** Name of the gradient scaler's tensor. */
const SCALER = "scaler";

/** Encodes a checkpoint as a safetensors file. Equal states give equal bytes, since checkpoints contain no times. */
export function encodeCheckpoint(state: TrainState, progress: Progress): Uint8Array<ArrayBuffer> {
  const tensors: ParameterRecord = {};
  const add = (prefix: string, parameters: Parameters) => {
    for (const [name, values] of Object.entries(fromParameters(parameters))) tensors[prefix + name] = values;
  };
  add("", state.parameters);
  const shapes = shapesOf(state.parameters);
  for (const [slot, values] of Object.entries(state.moments)) {
    Object.entries(separateRecord(fromParameters(values), shapes))
      .forEach(([name, own]) => tensors[slotPrefix(slot) + name] = own);
  }
  add(EMA, state.ema ?? {});
  add(AMAX, state.amax ?? {});
  if (state.scaler !== undefined) add("", { [SCALER]: state.scaler });
  return encodeSafetensors({
    tensors,
    metadata: {
      format: FORMAT,
      step: String(progress.step),
      ["windows" in progress.cursor ? "batches" : "random"]: JSON.stringify(progress.cursor),
      ...(progress.history && { evaluations: JSON.stringify(progress.history) }),
      ...(state.skipped !== undefined && { skipped: String(state.skipped) }),
    },
  });
}

/**
 * Decodes the progress in a checkpoint, without its tensors.
 *
 * @param bytes The bytes of the file.
 * @param name Name of the file, for errors.
 * @throws {UserError} If the bytes are not a complete checkpoint.
 */
export function checkpointProgress(bytes: Uint8Array<ArrayBuffer>, name: string): Progress {
  const { skipped: _, ...progress } = progressOf(
    decodeSafetensors(bytes, name, { skip: () => true }).metadata,
    name,
  );
  return progress;
}

/**
 * Decodes the weights of a checkpoint: their moving average if the checkpoint has one, otherwise the weights
 * themselves. The sampling method, the optimizer and the precision of the run are not checked.
 *
 * @param bytes The bytes of the file.
 * @param expected `name`: name of the file, for errors. `model`: config of the model.
 * @throws {UserError} If the bytes are damaged, not a checkpoint, or of another model.
 */
export function checkpointWeights(
  bytes: Uint8Array<ArrayBuffer>,
  expected: Pick<Expected, "name" | "model">,
): ParameterRecord {
  const { name, model } = expected;
  const shapes = Object.entries(parameterShapes(model));
  const wanted = new Set(shapes.flatMap(([name]) => [name, EMA + name]));
  const { tensors, metadata } = decodeSafetensors(bytes, name, { skip: (tensor) => !wanted.has(tensor) });
  progressOf(metadata, name); // throws for other files
  const prefix = EMA + shapes[0]![0] in tensors ? EMA : "";
  return Object.fromEntries(shapes.map(([tensor, shape]) => {
    const found = tensors[prefix + tensor];
    if (found !== undefined && String(found.shape) === String(shape)) return [tensor, found];
    throw new UserError(
      `Cannot use the weights in ${name}: expected ${prefix + tensor} of shape [${shape}], ` +
        `got ${found === undefined ? "none" : `shape [${found.shape}]`}`,
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

/** Decodes the metadata. Checkpoints of version 0.1 do not have `skipped`: its bias corrections counted every step. */
function progressOf(metadata: Record<string, string>, name: string): Progress & { skipped: number } {
  const refuse = (reason: string): never => {
    throw new UserError(`Cannot use ${name}: expected a losskit checkpoint, got a file whose ${reason}`);
  };
  const read = <S extends v.GenericSchema>(field: string, schema: S): v.InferOutput<S> => {
    let value: unknown;
    try {
      value = parseJson(metadata[field] ?? "");
    } catch {
      refuse(`metadata has no ${field}`);
    }
    const result = v.safeParse(schema, value);
    return result.success ? result.output : refuse(`metadata has the ${field} ${metadata[field]}`);
  };
  if (metadata["format"] !== FORMAT) refuse(`format is ${metadata["format"] ?? "missing"}`);
  const step = read("step", count);
  const cursor = metadata["batches"] === undefined
    ? read("random", randomSchema)
    : read("batches", windowsSchema);
  const skipped = metadata["skipped"] === undefined ? 0 : read("skipped", count);
  if (skipped > step) refuse(`metadata has ${skipped} skipped steps of ${step}`);
  if (metadata["evaluations"] === undefined) return { step, cursor, skipped };
  const { best, waited } = read("evaluations", historySchema);
  return { step, cursor, skipped, history: { best, waited } };
}

/**
 * Decodes a checkpoint.
 *
 * @param bytes The bytes of the file.
 * @param expected Properties that the checkpoint must match.
 * @returns The training state, as new tensors that the caller owns, and the progress.
 * @throws {UserError} If the bytes are damaged, or the checkpoint has another model, optimizer, policy or sampling
 * method.
 */
export function decodeCheckpoint(
  bytes: Uint8Array<ArrayBuffer>,
  expected: Expected,
): { state: TrainState; progress: Progress & { history: EvaluationHistory } } {
  const { tensors, metadata } = decodeSafetensors(bytes, expected.name);
  const { skipped, ...progress } = progressOf(metadata, expected.name);
  const shapes = Object.entries(parameterShapes(expected.model));
  const { optimizer, policy = "float32", overrides } = expected;
  const formats = stateFormats(shapes.map(([name]) => name), { policy, overrides });
  const all = Object.fromEntries(shapes);
  const slots: SlotShapes = {
    ...(optimizer === undefined ? { m: all, v: all } : slotShapes(all, optimizer)),
    ...(isCompensated(formats) && { [COMPENSATION]: all }),
  };
  const withEma = (expected.emaDecay ?? 0) > 0;
  const groups = [["", all], ...(withEma ? [[EMA, all]] : [])] as [string, typeof all][];
  for (const [slot, own] of Object.entries(slots)) groups.push([slotPrefix(slot), own as typeof all]);
  const scaled = describePolicy(policy).scaled === true;
  const wanted = new Map(
    groups.flatMap(([prefix, own]) => Object.entries(own).map(([name, shape]) => [prefix + name, shape])),
  );
  if (scaled) wanted.set(SCALER, [2]);
  const histories = Object.entries(delayedOperands(expected.model, { policy, overrides }));
  for (const [name, { length }] of histories) wanted.set(AMAX + name, [length]);
  const refuse = (reason: string): never => {
    throw new UserError(`Cannot resume from ${expected.name}: ${reason}`);
  };
  // Everything is checked before the first tensor is created, so that an error leaves no tensor.
  for (const [name, shape] of wanted) {
    const tensor = tensors[name];
    if (String(tensor?.shape) === String(shape)) continue;
    refuse(
      `expected ${name} of shape [${shape}], ` +
        `got ${tensor === undefined ? "none" : `shape [${tensor.shape}]`}`,
    );
  }
  const { sampling = "random" } = expected;
  if (sampling !== "any" && "windows" in progress.cursor === (sampling === "random")) {
    refuse(`expected the cursor of ${sampling} batches, got ${JSON.stringify(progress.cursor)}`);
  }
  const extra = Object.keys(tensors).find((name) => !wanted.has(name));
  if (extra !== undefined) refuse(`expected only this run's tensors, got ${extra} too`);
  const recordOf = (prefix: string, names: readonly string[]): ParameterRecord =>
    Object.fromEntries(names.map((name) => [name, tensors[prefix + name]!]));
  const pick = (prefix: string, names = shapes.map(([name]) => name)): Parameters =>
    toParameters(recordOf(prefix, names));
  return {
    state: {
      parameters: pick(""),
      moments: Object.fromEntries(
        Object.entries(slots).map(([slot, own]) => {
          const record = recordOf(slotPrefix(slot), Object.keys(own));
          const joins = isJoined(slot, optimizer ?? {} as AdamWConfig);
          return [slot, toParameters(joins ? joinRecord(record) : record)];
        }),
      ),
      ...(withEma && { ema: pick(EMA) }),
      ...(histories.length > 0 && { amax: pick(AMAX, histories.map(([name]) => name)) }),
      ...(scaled && { ...toParameters({ [SCALER]: tensors[SCALER]! }), skipped }),
    },
    progress: { ...progress, history: progress.history ?? NO_HISTORY },
  };
}
