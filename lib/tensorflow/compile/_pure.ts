/**
 * Refuses side effects in a function that is being traced. Random numbers drawn in JavaScript would be the same at
 * every call. Writes to variables would happen only once.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";

/** TF.js's functions that draw random numbers in JavaScript, or from a seed that is fixed when they are traced. */
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

/** The methods of TF.js's engine that every op and every new variable calls. */
interface Engine {
  startScope(name?: string): void;
  makeVariable(...args: unknown[]): tf.Variable;
}

/**
 * Runs `work` and throws at its first side effect.
 *
 * @param label Name of the compiled function, for error messages.
 * @throws {TypeError} At a random draw, a new variable or an assignment. The message names the call and a remedy.
 */
export function withoutSideEffects<R>(label: string, work: () => R): R {
  const engine = tf.engine() as unknown as Engine;
  const { startScope, makeVariable } = engine;
  const { assign } = tf.Variable.prototype;
  engine.startScope = function (name) {
    const op = name?.replace(/(__op)?$/, "") ?? "";
    if (RANDOM.has(op)) {
      throw new TypeError(
        `Cannot compile ${label}: expected no random numbers, got tf.${op}, which would give the same at every call. Use ` +
          "statelessUniform or statelessNormal with a key as an argument, or pass the numbers as an argument.",
      );
    }
    return startScope.call(this, name);
  };
  engine.makeVariable = () => {
    throw new TypeError(
      `Cannot compile ${label}: expected no new variables, got tf.variable, which would run only once. Create it outside.`,
    );
  };
  tf.Variable.prototype.assign = () => {
    throw new TypeError(
      `Cannot compile ${label}: expected no side effects, got variable.assign, which would run only once. Return the ` +
        "new value, and assign it outside.",
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
