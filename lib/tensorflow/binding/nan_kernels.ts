/**
 * Kernels that keep NaN where TensorFlow's own drop it. They follow PyTorch: a result that depends on NaN is NaN, and NaN
 * counts as the largest value where one is chosen.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type Attribute, AttributeType } from "../native/attribute.ts";
import type { Binding } from "./binding.ts";
import { DataType } from "../native/dtype.ts";
import type { OpBackend } from "./op_backend.ts";

/** TensorFlow's and oneDNN's kernels differ from XLA's, whose minima and maxima keep NaN. */
function runsOwnKernels({ trace }: Binding): boolean {
  return trace?.mode !== "xla";
}

const type = (name: string, value: number): Attribute => ({ name, type: AttributeType.TYPE, value });

/** Adds float32 `terms`, 0 or a special value, to `y` in its own type. */
function addTerms(y: tf.Tensor, terms: tf.Tensor, backend: OpBackend, binding: Binding): tf.Tensor {
  const dtype = binding.dtypeOf(backend.getInputTensorIds([y])[0]!);
  const id = binding.castTo(backend.getInputTensorIds([terms])[0]!, dtype);
  return tf.add(y, backend.createOutputTensor(binding.metadata(id)));
}

/**
 * Returns int32 keys in the order of float values. Zeros are equal, and NaN has the key `nan`: an extreme one, so that it
 * is chosen first.
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
  // Negative floats have the sign bit and their magnitude in the others.
  const keys = tf.where(tf.less(bits, whole(0)), tf.sub(whole(-(2 ** 31)), bits), bits);
  return tf.where(tf.isNaN(x), whole(nan), keys);
}

const LARGEST = 2 ** 31 - 1, SMALLEST = -(2 ** 31);

/** A kernel's own work, given its former function. */
type Repair = (
  former: tf.KernelFunc,
  params: Parameters<tf.KernelFunc>[0] & { backend: OpBackend },
  binding: Binding,
) => ReturnType<tf.KernelFunc>;

/** Chooses by integer keys: `former` runs on them. */
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

/** TensorFlow's kernels skip NaN, and give the lowest finite number where all is -Infinity. */
const maxPool: Repair = (former, params, binding) => {
  const { x } = params.inputs as unknown as { x: tf.Tensor };
  if (x.dtype !== "float32" || !runsOwnKernels(binding)) return former(params);
  return tf.tidy(() => {
    const maxima = former(params) as tf.Tensor;
    if (maxima.size === 0) return maxima;
    // 0: all -Infinity; 1: as the kernel says; 2: a NaN.
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

/** XLA's vector code for reductions of float32 drops NaN. */
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

const REPAIRS: Readonly<Record<string, Repair>> = {
  ArgMax: byKeys(LARGEST),
  ArgMin: byKeys(SMALLEST),
  /** TensorFlow's kernel takes NaN for a number that is not negative, whose slope is 1. */
  EluGrad: (_, { inputs }) => {
    const { dy, y } = inputs as unknown as { dy: tf.Tensor; y: tf.Tensor };
    return tf.tidy(() => tf.where(tf.greaterEqual(y, 0), dy, tf.mul(dy, tf.add(y, 1))));
  },
  Max: extreme,
  Min: extreme,
  MaxPool: maxPool,
  MaxPool3D: maxPool,
  /** tfjs-node's form, relu(x) + alpha (x - |x|) / 2, makes NaN of Infinity. */
  Prelu: (_, { inputs }) => {
    return tf.tidy(() => {
      const floats = [inputs["x"], inputs["alpha"]] as unknown as [tf.Tensor, tf.Tensor];
      // Whole numbers become float32, and 16-bit numbers stay.
      const [x, alpha] = floats.map((one) => one.dtype === "float32" ? one : tf.cast(one, "float32"));
      return tf.where(tf.greaterEqual(x!, 0), x!, tf.mul(x!, alpha!));
    });
  },
  /** oneDNN's softmax, which graphs on CPUs use, makes zeros of the rest of a row with NaN or Infinity. */
  Softmax: (former, params, binding) => {
    const { logits } = params.inputs as unknown as { logits: tf.Tensor };
    if (binding.trace?.mode !== "graph") return former(params);
    return tf.tidy(() => {
      const terms = tf.where(tf.isFinite(tf.max(logits, -1, true)), tf.scalar(0), NaN);
      return addTerms(former(params) as tf.Tensor, terms, params.backend, binding);
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

/** Replaces the kernels. Call it after tfjs-node-gpu registered its own. */
export function registerNanKernels(binding: Binding): void {
  for (const [kernelName, repair] of Object.entries(REPAIRS)) {
    const { kernelFunc: former } = tf.getKernel(kernelName, "tensorflow");
    tf.unregisterKernel(kernelName, "tensorflow");
    tf.registerKernel({
      kernelName,
      backendName: "tensorflow",
      kernelFunc: (params) => {
        // TF.js repeats no scalar to an empty shape such as [0, 1], and there is no NaN to keep.
        const isEmpty = Object.values(params.inputs).some((input) => input?.shape.includes(0));
        if (isEmpty) return former(params);
        return repair(former, params as typeof params & { backend: OpBackend }, binding);
      },
    });
  }
}
