/**
 * What a function being traced may not do: draw random numbers in JavaScript, which would be the same at every call,
 * and write to variables, which would happen once.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";

/** TF.js's functions whose random numbers are drawn in JavaScript, or by a seed fixed when they are called. */
const RANDOM: ReadonlySet<string> = new Set([
  "dropout",
  "multinomial",
  "rand",
  "randomGamma",
  "randomNormal",
  "randomStandardNormal",
  "randomUniform",
  "randomUniformInt",
  "truncatedNormal",
]);

/** The part of TF.js's engine that sees every function begin and every variable made. */
interface Engine {
  startScope(name?: string): void;
  makeVariable(...args: unknown[]): tf.Variable;
}

/**
 * Runs `work` with an error at the first impure call.
 *
 * @param label What is being compiled, for messages.
 * @throws {TypeError} naming the call and what to do instead.
 */
export function withoutSideEffects<R>(label: string, work: () => R): R {
  const engine = tf.engine() as unknown as Engine;
  const { startScope, makeVariable } = engine;
  const { assign } = tf.Variable.prototype;
  engine.startScope = function (name) {
    const op = name?.replace(/(__op)?$/, "") ?? "";
    if (RANDOM.has(op)) {
      throw new TypeError(
        `Cannot compile ${label}: tf.${op} would give the same numbers at every call. Use statelessUniform or ` +
          "statelessNormal with a key that is an argument, or pass the numbers in.",
      );
    }
    return startScope.call(this, name);
  };
  engine.makeVariable = () => {
    throw new TypeError(
      `Cannot compile ${label}: it makes a tf.variable, which would happen once. Make it outside.`,
    );
  };
  tf.Variable.prototype.assign = () => {
    throw new TypeError(
      `Cannot compile ${label}: variable.assign would happen once, when it is traced. Return the new value, and ` +
        "assign it outside.",
    );
  };
  try {
    return work();
  } finally {
    engine.startScope = startScope;
    engine.makeVariable = makeVariable;
    tf.Variable.prototype.assign = assign;
  }
}
