/**
 * Random tensors from keys: no state and no seed that is drawn once, so that a compiled function that gets its key as
 * an argument has fresh numbers at every call, and the same numbers for the same key. For random numbers on the host
 * see `text/random.ts`.
 *
 * A key is int32 [2]. TensorFlow's stateless ops (the Philox generator of Salmon et al., "Parallel random numbers: as
 * easy as 1, 2, 3", 2011) make the numbers: the same on every run of one kind of device, eager or in graph mode. Under
 * XLA the generator is XLA's own, with other numbers.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { DataType } from "../native/dtype.ts";

/**
 * Numbers in [0, 1), each equally likely: multiples of 2^-23. No gradient passes.
 *
 * @param shape The result's shape.
 * @param key int32 [2]. The same key gives the same numbers, so draw from a key once, and use {@linkcode foldIn} to
 * make others of it.
 * @returns float32, whatever the precision policy.
 * @throws {TypeError} when the key is not int32 [2].
 */
export function statelessUniform(shape: readonly number[], key: tf.Tensor): tf.Tensor {
  return draw("StatelessRandomUniform", { shape, key, dtype: DataType.FLOAT });
}

/**
 * Numbers from the standard normal distribution. No gradient passes.
 *
 * @param shape The result's shape.
 * @param key As for {@linkcode statelessUniform}.
 * @returns float32, whatever the precision policy.
 * @throws {TypeError} when the key is not int32 [2].
 */
export function statelessNormal(shape: readonly number[], key: tf.Tensor): tf.Tensor {
  return draw("StatelessRandomNormal", { shape, key, dtype: DataType.FLOAT });
}

/**
 * A key made of a key and a number: one for each place, layer or step that draws. Keys and numbers are scrambled, so
 * neighbours have nothing in common, and folding 1 into one key is not folding 0 into another.
 *
 * @param key int32 [2].
 * @param n A whole number in [-2^31, 2^31), or an int32 scalar tensor, which may be a compiled function's argument.
 * @returns int32 [2].
 * @throws {TypeError} when the key is not int32 [2] or the tensor n no int32 scalar.
 * @throws {RangeError} for a number n that int32 does not have.
 */
export function foldIn(key: tf.Tensor, n: number | tf.Tensor): tf.Tensor1D {
  if (typeof n === "number" && (n | 0) !== n) {
    throw new RangeError(
      `Cannot fold into a random key: n must be a whole number in [-2^31, 2^31): n is ${n}`,
    );
  }
  if (typeof n !== "number" && (n.dtype !== "int32" || n.size !== 1)) {
    throw new TypeError(
      `Cannot fold into a random key: n must be a number or an int32 scalar: it is ${n.dtype} [${n.shape}]`,
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
 * Whole numbers whose 32 bits are random. No gradient passes.
 *
 * @param shape The result's shape.
 * @param key As for {@linkcode statelessUniform}.
 * @returns int32.
 * @throws {TypeError} when the key is not int32 [2].
 */
export function statelessBits(shape: readonly number[], key: tf.Tensor): tf.Tensor {
  return draw("StatelessRandomUniformFullInt", { shape, key, dtype: DataType.INT32 });
}

function draw(op: string, from: { shape: readonly number[]; key: tf.Tensor; dtype: number }): tf.Tensor {
  const { shape, key, dtype } = from;
  if (key.dtype !== "int32" || key.shape.length !== 1 || key.shape[0] !== 2) {
    throw new TypeError(
      `Cannot draw random numbers: the key must be an int32 tensor of shape [2]: it is ${key.dtype} [${key.shape}]`,
    );
  }
  if (!shape.every((size) => Number.isInteger(size) && size >= 0 && size < 2 ** 31)) {
    throw new RangeError(
      `Cannot draw random numbers: sizes must be whole numbers in [0, 2^31): the shape is [${shape}]`,
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
