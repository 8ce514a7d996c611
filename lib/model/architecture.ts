/**
 * Validation of a user's architecture: the shapes of its parameters, and the shape of its forward pass's result.
 *
 * Letters: C width, V vocabulary, N = B T rows.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import type { Architecture, FullGptConfig, ParameterDefinition } from "./config.ts";

/** Returns the name of an architecture for error messages. */
export function nameOfArchitecture({ name }: Architecture): string {
  return name ?? "the architecture";
}

/**
 * Returns the definitions of an architecture's parameters, by name.
 *
 * @throws {RangeError} If a shape is invalid, or the output head's table is missing or not [V, C].
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
 * Returns the result of an architecture's forward pass if its shape is valid.
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
