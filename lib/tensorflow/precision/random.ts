/**
 * Random tensors computed from keys, without hidden state.
 *
 * A key is an int32 tensor of shape [2]. Equal keys give equal numbers. A compiled function that receives its key as an
 * argument therefore draws new numbers for each new key. Random numbers in JavaScript are in `text/random.ts`.
 *
 * TensorFlow's stateless ops generate the numbers with Philox (Salmon et al., "Parallel random numbers: as easy as 1,
 * 2, 3", 2011). In eager and graph mode, one kind of device gives the same numbers in every run. XLA has its own
 * generator and gives other numbers.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { DataType } from "../native/dtype.ts";

/**
 * Draws uniform random numbers in [0, 1), multiples of 2^-23. They have no gradient.
 *
 * @param shape Shape of the result.
 * @param key Random key, int32 [2]. Equal keys give equal numbers: use a key for one draw, and derive further keys with
 * {@linkcode foldIn}.
 * @returns float32 under every precision policy.
 * @throws {TypeError} If the key is not int32 [2].
 * @throws {RangeError} If a size is not an integer in [0, 2^31).
 */
export function statelessUniform(shape: readonly number[], key: tf.Tensor): tf.Tensor {
  return draw("StatelessRandomUniform", { shape, key, dtype: DataType.FLOAT });
}

/**
 * Draws random numbers from the standard normal distribution. They have no gradient.
 *
 * @param shape Shape of the result.
 * @param key Random key, int32 [2], as for {@linkcode statelessUniform}.
 * @returns float32 under every precision policy.
 * @throws {TypeError} If the key is not int32 [2].
 * @throws {RangeError} If a size is not an integer in [0, 2^31).
 */
export function statelessNormal(shape: readonly number[], key: tf.Tensor): tf.Tensor {
  return draw("StatelessRandomNormal", { shape, key, dtype: DataType.FLOAT });
}

/**
 * Derives a new random key from a key and a number, for example one key per layer or per step. Derived keys are
 * statistically independent. Folding in two numbers in another order gives another key.
 *
 * @param key Random key, int32 [2].
 * @param n An integer in [-2^31, 2^31), or an int32 scalar tensor. In a compiled function, a number is a constant, and
 * a tensor may be an argument.
 * @returns The new key, int32 [2].
 * @throws {TypeError} If the key is not int32 [2], or the tensor `n` is not an int32 scalar.
 * @throws {RangeError} If the number `n` is not an integer in [-2^31, 2^31).
 */
export function foldIn(key: tf.Tensor, n: number | tf.Tensor): tf.Tensor1D {
  if (typeof n === "number" && (n | 0) !== n) {
    throw new RangeError(
      `Cannot fold into a random key: expected an integer n in [-2^31, 2^31), got ${n}.`,
    );
  }
  if (typeof n !== "number" && (n.dtype !== "int32" || n.size !== 1)) {
    throw new TypeError(
      `Cannot fold into a random key: expected a number or an int32 scalar, got ${n.dtype} [${n.shape}].`,
    );
  }
  return tf.tidy(() => {
    const low = typeof n === "number" ? tf.tensor1d([n, 0], "int32") : tf.pad1d(tf.reshape(n, [1]), [0, 1]);
    const scrambled = statelessBits([2], key);
    const mixed = currentTensorFlow().backend.executeSingleOutput("BitwiseXor", [
      { name: "T", type: AttributeType.TYPE, value: DataType.INT32 },
    ], [scrambled, low]);
    return statelessBits([2], mixed) as tf.Tensor1D;
  });
}

/**
 * Draws integers of 32 random bits. They have no gradient.
 *
 * @param shape Shape of the result.
 * @param key Random key, int32 [2], as for {@linkcode statelessUniform}.
 * @returns int32.
 * @throws {TypeError} If the key is not int32 [2].
 * @throws {RangeError} If a size is not an integer in [0, 2^31).
 */
export function statelessBits(shape: readonly number[], key: tf.Tensor): tf.Tensor {
  return draw("StatelessRandomUniformFullInt", { shape, key, dtype: DataType.INT32 });
}

function draw(op: string, from: { shape: readonly number[]; key: tf.Tensor; dtype: number }): tf.Tensor {
  const { shape, key, dtype } = from;
  if (key.dtype !== "int32" || key.shape.length !== 1 || key.shape[0] !== 2) {
    throw new TypeError(
      `Cannot draw random numbers: expected an int32 key of shape [2], got ${key.dtype} [${key.shape}].`,
    );
  }
  if (!shape.every((size) => Number.isInteger(size) && size >= 0 && size < 2 ** 31)) {
    throw new RangeError(
      `Cannot draw random numbers: expected integer sizes in [0, 2^31), got the shape [${shape}].`,
    );
  }
  const sizes = tf.tensor1d([...shape], "int32");
  try {
    return currentTensorFlow().backend.executeSingleOutput(op, [
      { name: "dtype", type: AttributeType.TYPE, value: dtype },
      { name: "T", type: AttributeType.TYPE, value: DataType.INT32 },
      { name: "Tseed", type: AttributeType.TYPE, value: DataType.INT32 },
    ], [sizes, key]);
  } finally {
    sizes.dispose();
  }
}
