/**
 * The interface of an architecture, for models other than the built-in ones.
 *
 * Letters: B batch, T sequence length, C width, V vocabulary, N = B T.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import type { FullGptConfig } from "./config.ts";

/** Shape and initial values of a parameter. */
export interface ParameterDefinition {
  /** Shape, C order. */
  readonly shape: readonly number[];
  /** Standard deviation of normal initial values. Default: the config's `initStd`, for parameters of rank 2 and more. */
  readonly std?: number | undefined;
  /** Initial value of all elements, instead of random ones. Default: 1 for vectors `….weight`, 0 for other vectors. */
  readonly fill?: number | undefined;
}

/** Inputs of a forward pass. */
export interface ForwardInput {
  /** Parameters by name, float32. */
  readonly parameters: Readonly<Record<string, tf.Tensor>>;
  /** Token ids, int32 [B, T]. */
  readonly tokens: tf.Tensor2D;
  /** Sizes and options of the model. */
  readonly config: FullGptConfig;
  /** Applies dropout with the config's rate. The identity outside of training. */
  readonly dropout: (x: tf.Tensor) => tf.Tensor;
}

/**
 * An architecture of a user: the parameters, and the pass from tokens to the input of the output head.
 *
 * Parameters whose names begin with `h.0.`, `h.1.` and so on belong to blocks, which overrides and probes name. The head
 * multiplies with `wte.weight` of shape [V, C], or with `lm_head.weight` if the config does not tie them.
 */
export interface Architecture {
  /** Name for messages. Default: the name of its module. */
  readonly name?: string | undefined;
  /**
   * Returns the parameters in the order of checkpoints.
   *
   * @param config Sizes and options of the model.
   */
  parameters(config: FullGptConfig): Readonly<Record<string, ParameterDefinition>>;
  /**
   * Computes the input of the output head. It is traced into a compiled step, so it must consist of tensor operations.
   *
   * @returns [N, C], row b T + t for token t of sequence b.
   */
  forward(input: ForwardInput): tf.Tensor;
  /**
   * Returns the floating-point operations per token of a training step. Default: 6 P + 6 L C T, where P counts the
   * matrices of blocks and the head.
   */
  flops?(config: FullGptConfig, T: number): number;
}

/** Returns the name of an architecture for messages. */
export function nameOfArchitecture({ name }: Architecture): string {
  return name ?? "the architecture";
}

/**
 * Returns the definitions of an architecture's parameters.
 *
 * @throws {RangeError} If a shape is invalid, or the table of the output head is missing or has another shape.
 */
export function definitionsOf(
  architecture: Architecture,
  config: FullGptConfig,
): Readonly<Record<string, ParameterDefinition>> {
  const action = `Cannot use ${nameOfArchitecture(architecture)}`;
  const definitions: unknown = architecture.parameters(config);
  if (typeof definitions !== "object" || definitions === null) {
    throw new RangeError(
      `${action}: expected parameters() to return shapes by name, got ${String(definitions)}.`,
    );
  }
  for (const [name, definition] of Object.entries(definitions)) {
    const shape: unknown = Object(definition).shape;
    if (Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size > 0)) continue;
    throw new RangeError(
      `${action}: expected a shape of positive integers for the parameter ${name}, got ${
        Array.isArray(shape) ? `[${shape}]` : String(shape)
      }.`,
    );
  }
  const { vocabSize: V, nEmbd: C, tiedHead } = config;
  const table = tiedHead ? "wte.weight" : "lm_head.weight";
  const found = (definitions as Record<string, ParameterDefinition>)[table]?.shape;
  if (String(found) !== `${V},${C}`) {
    throw new RangeError(
      `${action}: expected a parameter ${table} of shape [${V},${C}] for the output head, got ${
        found === undefined ? "none" : `shape [${found}]`
      }.`,
    );
  }
  return definitions as Readonly<Record<string, ParameterDefinition>>;
}

/**
 * Requires the result of a forward pass.
 *
 * @throws {RangeError} If the result is not a tensor of the shape [N, C].
 */
export function requireHidden(
  hidden: tf.Tensor,
  { architecture, N, C }: { architecture: Architecture; N: number; C: number },
): tf.Tensor2D {
  const shape: unknown = Object(hidden).shape;
  if (Array.isArray(shape) && String(shape) === `${N},${C}`) return hidden as tf.Tensor2D;
  throw new RangeError(
    `Cannot use ${
      nameOfArchitecture(architecture)
    }: expected forward() to return a tensor of shape [${N},${C}], got ${
      Array.isArray(shape) ? `shape [${shape}]` : String(hidden)
    }.`,
  );
}
