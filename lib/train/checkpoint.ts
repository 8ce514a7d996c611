/**
 * A training state as bytes and back: weights, moments, the step and the state of the batches' stream.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
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
import type { RandomState } from "../text/mod.ts";
import type { TrainState } from "./step.ts";

/** Prefixes of the three kinds of tensors. */
const KINDS = { parameters: "", m: "adamw.m.", v: "adamw.v." } as const;

/** What a checkpoint holds beside tensors. */
export interface Progress {
  /** Steps done. */
  readonly step: number;
  /** Where the stream of batches stands. */
  readonly random: RandomState;
}

/** The bytes of a checkpoint. Equal states give equal bytes: no time is in it. */
export function encodeCheckpoint(state: TrainState, progress: Progress): Uint8Array<ArrayBuffer> {
  const tensors: ParameterRecord = {};
  const add = (prefix: string, parameters: Parameters) => {
    for (const [name, values] of Object.entries(fromParameters(parameters))) tensors[prefix + name] = values;
  };
  add(KINDS.parameters, state.parameters);
  add(KINDS.m, state.moments.m);
  add(KINDS.v, state.moments.v);
  return encodeSafetensors({
    tensors,
    metadata: {
      format: "losskit-checkpoint/1",
      step: String(progress.step),
      random: JSON.stringify(progress.random),
    },
  });
}

/** The step that a checkpoint was made after. */
export function checkpointStep(bytes: Uint8Array<ArrayBuffer>, name: string): number {
  return stepOf(decodeSafetensors(bytes, name).metadata, name);
}

function stepOf(metadata: Record<string, string>, name: string): number {
  const step = Number(metadata["step"]);
  if (
    metadata["format"] === "losskit-checkpoint/1" && Number.isInteger(step) &&
    metadata["random"] !== undefined
  ) return step;
  throw new UserError(
    `Cannot resume from ${name}: wanted a losskit checkpoint: its metadata has no step. ` +
      "Delete the run's folder to have it run again.",
  );
}

/**
 * Reads a checkpoint.
 *
 * @param bytes The file's bytes.
 * @param expected The file's name for errors, and the model it must be of.
 * @throws {UserError} when it is damaged, or of another model.
 */
export function decodeCheckpoint(
  bytes: Uint8Array<ArrayBuffer>,
  expected: { name: string; model: GptConfig },
): { state: TrainState; progress: Progress } {
  const { tensors, metadata } = decodeSafetensors(bytes, expected.name);
  const shapes = parameterShapes(expected.model);
  const pick = (prefix: string): Parameters =>
    toParameters(Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => {
        const tensor = tensors[prefix + name];
        if (tensor === undefined || String(tensor.shape) !== String(shape)) {
          throw new UserError(
            `Cannot resume from ${expected.name}: wanted ${prefix + name} of shape [${shape}]: ` +
              `it has ${tensor === undefined ? "none" : `one of shape [${tensor.shape}]`}`,
          );
        }
        return [name, tensor];
      }),
    ));
  const step = stepOf(metadata, expected.name);
  return {
    state: { parameters: pick(KINDS.parameters), moments: { m: pick(KINDS.m), v: pick(KINDS.v) } },
    progress: { step, random: JSON.parse(metadata["random"]!) },
  };
}
