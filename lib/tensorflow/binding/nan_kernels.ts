/**
 * Kernels whose results for NaN and infinite values equal PyTorch's. A result that depends on NaN is NaN. In a
 * selection such as a maximum, NaN counts as the largest value. The logSumExp of infinite values is infinite, and its
 * gradient is exp(x - logSumExp(x)).
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type Attribute, AttributeType } from "../native/attribute.ts";
import type { Binding } from "./binding.ts";
import { DataType } from "../native/dtype.ts";
import type { OpBackend } from "./op_backend.ts";

/**
 * Returns true if ops run with TensorFlow's or oneDNN's kernels, which can lose NaN. XLA's minima and maxima propagate
 * NaN.
 */
function runsOwnKernels({ trace }: Binding): boolean {
  return trace?.mode !== "xla";
}

const type = (name: string, value: number): Attribute => ({ name, type: AttributeType.TYPE, value });

/** Adds floating `terms`, each 0 or a special value, to `y` in the type of `y`. */
function addTerms(y: tf.Tensor, terms: tf.Tensor, backend: OpBackend, binding: Binding): tf.Tensor {
  const dtype = binding.dtypeOf(backend.getInputTensorIds([y])[0]!);
  const id = binding.castTo(backend.getInputTensorIds([terms])[0]!, dtype);
  return tf.add(y, backend.createOutputTensor(binding.metadata(id)));
}

/**
 * Returns int32 keys that sort like the float values. The two zeros have equal keys. NaN has the key `nan`, which is
 * chosen such that NaN is selected first.
 */
function keysOf(x: tf.Tensor, nan: number, backend: OpBackend): tf.Tensor {
  const wide = backend.executeSingleOutput(
    "Cast",
    [type("SrcT", DataType.FLOAT), type("DstT", DataType.FLOAT)],
    [x],
  );
  const attributes = [type("T", DataType.FLOAT), type("type", DataType.INT32)];
  const bits = backend.executeSingleOutput("Bitcast", attributes, [wide]);
  const whole = (value: number) => tf.scalar(value, "int32");
  // Negative floats have the sign bit set and their magnitude in the other bits.
  const keys = tf.where(tf.less(bits, whole(0)), tf.sub(whole(-(2 ** 31)), bits), bits);
  return tf.where(tf.isNaN(x), whole(nan), keys);
}

const LARGEST = 2 ** 31 - 1, SMALLEST = -(2 ** 31);

/** A replacement of a kernel. It receives the former kernel. */
type Repair = (
  former: tf.KernelFunc,
  params: Parameters<tf.KernelFunc>[0] & { backend: OpBackend },
  binding: Binding,
) => ReturnType<tf.KernelFunc>;

/** Returns a replacement that runs the former kernel on integer keys. */
function byKeys(nan: number): Repair {
  return (former, params) => {
    const { x } = params.inputs as unknown as { x: tf.Tensor };
    if (x.dtype !== "float32") return former(params);
    return tf.tidy(() => {
      const keys = keysOf(x, nan, params.backend);
      return former({ ...params, inputs: { x: keys } }) as tf.Tensor;
    });
  };
}

/** Max pooling. TensorFlow's kernels skip NaN, and return the lowest finite number if all values are -Infinity. */
const maxPool: Repair = (former, params, binding) => {
  const { x } = params.inputs as unknown as { x: tf.Tensor };
  if (x.dtype !== "float32" || !runsOwnKernels(binding)) return former(params);
  return tf.tidy(() => {
    const maxima = former(params) as tf.Tensor;
    if (maxima.size === 0) return maxima;
    // 0: all -Infinity. 1: the kernel's result. 2: a NaN.
    const kinds = tf.where(tf.isNaN(x), 2, tf.cast(tf.greater(x, -Infinity), "float32"));
    const kind = former({ ...params, inputs: { x: kinds } }) as tf.Tensor;
    const terms = tf.where(
      tf.equal(kind, 2),
      NaN,
      tf.where(tf.equal(kind, 0), -Infinity, tf.zerosLike(kind)),
    );
    return addTerms(maxima, terms, params.backend, binding);
  });
};

/** Maximum and minimum. XLA's vectorized reductions of float32 lose NaN. */
const extreme: Repair = (former, params, binding) => {
  const { x } = params.inputs as unknown as { x: tf.Tensor };
  if (x.dtype !== "float32" || runsOwnKernels(binding)) return former(params);
  const { axis, reductionIndices, keepDims } = params.attrs as unknown as {
    axis?: number | number[]; // of Min
    reductionIndices?: number | number[]; // of Max
    keepDims: boolean;
  };
  return tf.tidy(() => {
    const terms = tf.sum(tf.where(tf.isNaN(x), NaN, tf.zerosLike(x)), axis ?? reductionIndices, keepDims);
    return addTerms(former(params) as tf.Tensor, terms, params.backend, binding);
  });
};

/** Returns true if TF.js is running the op of the given name. */
function isWithin(op: string): boolean {
  const { state } = tf.engine() as unknown as { state: { scopeStack: readonly { name: string }[] } };
  return state.scopeStack.some(({ name }) => name === `${op}__op`);
}

/** Largest finite numbers of the floating types. */
const LARGEST_FINITE: Readonly<Record<number, number>> = {
  [DataType.FLOAT]: (2 - 2 ** -23) * 2 ** 127,
  [DataType.BFLOAT16]: (2 - 2 ** -7) * 2 ** 127,
  [DataType.HALF]: 65504,
};

/** Attributes of the maxima that `tf.logSumExp` subtracts. TF.js passes a kernel and its gradient the same object. */
const OFFSETS = new WeakSet<object>();

/**
 * Maximum. Within `tf.logSumExp`, which subtracts the maximum, the result is finite: an infinite offset would give NaN.
 * With the largest finite number as offset, finite values do not overflow beside Infinity.
 */
const max: Repair = (former, params, binding) => {
  return tf.tidy(() => {
    const maxima = extreme(former, params, binding) as tf.Tensor;
    if (maxima.dtype !== "float32" || !isWithin("logSumExp")) return maxima;
    OFFSETS.add(params.attrs!);
    const largest = LARGEST_FINITE[binding.dtypeOf(params.backend.getInputTensorIds([maxima])[0]!)]!;
    return tf.where(tf.isInf(maxima), tf.mul(tf.sign(maxima), largest), maxima);
  });
};

/**
 * Gradient of the maximum. `tf.logSumExp` does not depend on its offset, whose gradient is zero. TF.js's formula returns
 * NaN for all values if one is infinite.
 */
function maxGradient(former: tf.GradFunc): tf.GradFunc {
  return (dy, saved, attrs) => {
    return OFFSETS.has(attrs) ? { x: () => tf.zerosLike(saved[0]!) } : former(dy, saved, attrs);
  };
}

const REPAIRS: Readonly<Record<string, Repair>> = {
  ArgMax: byKeys(LARGEST),
  ArgMin: byKeys(SMALLEST),
  /** Gradient of ELU. TensorFlow's kernel treats NaN as a non-negative number, whose slope is 1. */
  EluGrad: (_, { inputs }) => {
    const { dy, y } = inputs as unknown as { dy: tf.Tensor; y: tf.Tensor };
    return tf.tidy(() => tf.where(tf.greaterEqual(y, 0), dy, tf.mul(dy, tf.add(y, 1))));
  },
  Max: max,
  Min: extreme,
  MaxPool: maxPool,
  MaxPool3D: maxPool,
  /** PReLU. tfjs-node's formula, relu(x) + alpha (x - |x|) / 2, returns NaN for Infinity. */
  Prelu: (_, { inputs }) => {
    return tf.tidy(() => {
      const floats = [inputs["x"], inputs["alpha"]] as unknown as [tf.Tensor, tf.Tensor];
      // Integers become float32. 16-bit floats keep their type.
      const [x, alpha] = floats.map((one) => one.dtype === "float32" ? one : tf.cast(one, "float32"));
      return tf.where(tf.greaterEqual(x!, 0), x!, tf.mul(x!, alpha!));
    });
  },
  /**
   * Softmax. In graphs on CPUs, oneDNN's softmax returns zeros for the other values of a row that contains NaN or
   * Infinity.
   */
  Softmax: (former, params, binding) => {
    const { logits } = params.inputs as unknown as { logits: tf.Tensor };
    if (binding.trace?.mode !== "graph") return former(params);
    return tf.tidy(() => {
      const max = tf.max(logits, -1, true);
      // Zero for a finite maximum, else NaN.
      return addTerms(former(params) as tf.Tensor, tf.sub(max, max), params.backend, binding);
    });
  },
  TopK: (former, params, binding) => {
    const { x } = params.inputs as unknown as { x: tf.Tensor };
    if (x.dtype !== "float32" || !runsOwnKernels(binding)) return former(params);
    return tf.tidy(() => {
      const keys = keysOf(x, LARGEST, params.backend);
      const [, indices] = former({ ...params, inputs: { x: keys } }) as tf.Tensor[];
      return [tf.gather(x, indices!, x.rank - 1, x.rank - 1), indices!];
    });
  },
};

/** Replaces the kernels. Call this function after tfjs-node-gpu has registered its own. */
export function registerNanKernels(binding: Binding): void {
  for (const [kernelName, repair] of Object.entries(REPAIRS)) {
    const { kernelFunc: former } = tf.getKernel(kernelName, "tensorflow");
    tf.unregisterKernel(kernelName, "tensorflow");
    tf.registerKernel({
      kernelName,
      backendName: "tensorflow",
      kernelFunc: (params) => {
        // TF.js cannot broadcast a scalar to an empty shape such as [0, 1], and an empty tensor has no NaN.
        const isEmpty = Object.values(params.inputs).some((input) => input?.shape.includes(0));
        if (isEmpty) return former(params);
        return repair(former, params as typeof params & { backend: OpBackend }, binding);
      },
    });
  }
  const gradient = tf.getGradient("Max");
  tf.unregisterGradient("Max");
  tf.registerGradient({ ...gradient, gradFunc: maxGradient(gradient.gradFunc) });
}
