/**
 * Validation of a user's architecture: the shapes of its parameters, and the shape of its forward pass's result.
 *
 * Letters: C width, V vocabulary, N = B T rows.
 *
 * @module
 */
import defer * as tf from "@tensorflow/tfjs"; // reports count operations without it
import type { Architecture, FullGptConfig, ParameterDefinition } from "./config.ts";

/** Types without the real numbers that the output head multiplies. */
const NOT_REAL: readonly string[] = ["int32", "bool", "complex64", "string"];

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
  const definitions: unknown = architecture.parameters(Object.freeze({ ...config }));
  if (typeof definitions !== "object" || definitions === null) {
    throw new RangeError(
      `${action}: expected parameters() to return shapes by name, got ${String(definitions)}.`,
    );
  }
  for (const [name, definition] of Object.entries(definitions)) {
    if (name === "" || name === "__proto__" || name === "__metadata__") {
      throw new RangeError(
        `${action}: expected names of parameters other than __proto__, __metadata__ and the empty text, got "${name}".`,
      );
    }
    const { shape, std, fill } = Object(definition) as Record<keyof ParameterDefinition, unknown>;
    if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size > 0)) {
      throw new RangeError(
        `${action}: expected a shape of positive integers for the parameter ${name}, got ${
          Array.isArray(shape) ? `[${shape}]` : String(shape)
        }.`,
      );
    }
    if (std !== undefined && !(Number.isFinite(std) && std as number >= 0)) {
      throw new RangeError(
        `${action}: expected a finite std of at least 0 for the parameter ${name}, got ${std}.`,
      );
    }
    if (fill !== undefined && !Number.isFinite(fill)) {
      throw new RangeError(`${action}: expected a finite fill of the parameter ${name}, got ${fill}.`);
    }
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
  const value: unknown = hidden; // whatever the user's code returned
  const isTensor = value instanceof tf.Tensor;
  const isReal = isTensor && !NOT_REAL.includes(value.dtype);
  if (isReal && !value.isDisposed && String(value.shape) === `${N},${C}`) return value as tf.Tensor2D;
  const given = !isTensor
    ? value instanceof Promise ? "a promise" : typeof value === "object" ? "another object" : String(value)
    : value.isDisposed
    ? "a disposed tensor"
    : isReal
    ? `shape [${value.shape}]`
    : `a tensor of ${value.dtype}`;
  throw new RangeError(
    `Cannot use ${
      nameOfArchitecture(architecture)
    }: expected forward() to return a tensor of shape [${N},${C}], got ${given}.`,
  );
}
