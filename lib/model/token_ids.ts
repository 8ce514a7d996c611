/**
 * Checks of token ids, and the errors for ids that a model cannot use.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { GptConfig } from "./config.ts";
import { IGNORE_INDEX } from "../text/mod.ts";
import { TensorFlowError } from "../tensorflow/native/tensorflow_error.ts";

/** Token ids for {@linkcode withCheckedIds}. */
export interface CheckedIds {
  /** Inputs of the model. */
  readonly x: tf.Tensor;
  /** Targets, which may also be -100 to exclude a position from the loss. Omitted if the function has none. */
  readonly y?: tf.Tensor | undefined;
  /** V: valid ids are 0 to V - 1. */
  readonly vocabSize: number;
  /** The failing action in the error `Cannot <action>`, such as `run the model`. */
  readonly action: string;
}

/**
 * Requires token ids as a tensor, int32 [B, T] with at least one token.
 *
 * @param name Name of the ids in the error, such as `x`.
 * @param action The failing action in the error `Cannot <action>`.
 * @throws {TypeError} For any other value.
 */
export function requireTokenIds(ids: unknown, name: string, action: string): void {
  const isTensor = ids instanceof tf.Tensor;
  if (isTensor && ids.rank === 2 && ids.dtype === "int32" && ids.shape[1]! > 0) return;
  const given = isTensor ? `${ids.dtype} [${ids.shape}]` : Array.isArray(ids) ? "an array" : typeof ids;
  throw new TypeError(
    `Cannot ${action}: expected ${name} to be int32 [B, T] with T of at least 1, got ${given}. ` +
      'Use data.getBatch(), or tf.tensor2d(ids, [B, T], "int32").',
  );
}

/**
 * Calls a function of token ids. If TensorFlow reports a failure, the ids are checked, so that the error names an id
 * outside of the vocabulary. The check reads the ids, so it runs only after a failure.
 *
 * @throws {RangeError} If an id is outside of the vocabulary.
 * @throws {TensorFlowError} For any other failure of TensorFlow.
 */
export function withCheckedIds<R>(checked: CheckedIds, run: () => R): R {
  try {
    return run();
  } catch (cause) {
    if (!(cause instanceof TensorFlowError)) throw cause;
    const { x, y, vocabSize, action } = checked;
    for (const [name, ids] of [["x", x], ["y", y]] as const) {
      const strange = ids?.dataSync().find((id) =>
        !(name === "y" && id === IGNORE_INDEX) && (id < 0 || id >= vocabSize)
      );
      if (strange === undefined) continue;
      const others = name === "y" ? `, or ${IGNORE_INDEX} to exclude a position` : "";
      throw new RangeError(
        `Cannot ${action}: expected token ids from 0 to ${
          vocabSize - 1
        } in ${name} (vocabSize ${vocabSize})` +
          `${others}, got ${strange}. Use the tokenizer and the vocabSize of one dataset.`,
        { cause },
      );
    }
    throw cause;
  }
}

/**
 * Throws unless all tokens are ids of the model's vocabulary.
 *
 * @throws {RangeError} If an id is not an integer in [0, V).
 */
export function requireTokens(tokens: ArrayLike<number>, { vocabSize }: Pick<GptConfig, "vocabSize">): void {
  for (const id of Array.from(tokens)) {
    if (Number.isInteger(id) && id >= 0 && id < vocabSize) continue;
    throw new RangeError(`Cannot read tokens: expected integer ids in [0, ${vocabSize}), got ${id}`);
  }
}
