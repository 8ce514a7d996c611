/**
 * Linear layers: `x @ w + b`, rounded once, forward and backward.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { DataType } from "../native/dtype.ts";
import { POLICIES } from "../binding/policy.ts";
import { classScope, hasFormat, operandFormats, operation } from "../precision/scope.ts";
import { joinParts } from "./row_parts.ts";
import { isReused, type QuantizedLayer, quantizedProduct } from "./_quantized_product.ts";
import { cast, float32, productType, runOp, withGradient, withPolicy } from "./_unit.ts";
import { dtypeOf } from "../binding/true_dtype.ts";

const T_ATTRIBUTE: [number, unknown] = [AttributeType.TYPE, DataType.FLOAT];

/** Parameters of {@linkcode linear}. */
export interface LinearParameters {
  /** Weight matrix, [in, out]. With `transposed`, [out, in]. */
  readonly weight: tf.Tensor;
  /** Bias, [out]. Default: none. */
  readonly bias?: tf.Tensor | undefined;
  /** True if `weight` is [out, in]. Default: false. */
  readonly transposed?: boolean;
  /**
   * Name of the layer, unique in a model. Delayed scaling records the largest magnitudes of the operands by this name.
   * Default: none. Scales then use the current largest magnitude.
   */
  readonly name?: string | undefined;
}

/**
 * Computes `x @ w + b`, rounded once. If the policy lowers matrix products, `x`, `w` and `b` are rounded to its type.
 * Products, sums and the bias's gradient accumulate in float32. The operation's class is `linear`.
 *
 * If single operands have formats, or the class has a format with a scaling, the operands of each product are quantized
 * separately. The three products are the forward product and the gradients of x and w. Scales run along the axis that a
 * product sums over. A result has its own format if one is set, else the policy's type.
 *
 * @param x Rows, [N, in].
 * @param parameters The weight, and optionally a bias and the layer's name.
 * @returns [N, out], in the policy's type or in its format.
 */
export function linear(x: tf.Tensor, parameters: LinearParameters): tf.Tensor {
  const { weight, bias, transposed = false, name } = parameters;
  const formats = operandFormats();
  if (formats !== undefined) return quantizedLinear(x, parameters, { formats, name });
  if (bias === undefined) return product([x, weight], transposed);
  return productWithBias([x, transposed ? tf.transpose(weight) : weight, bias]);
}

/**
 * Computes a linear layer for each part of a batch. In 16-bit types, the gradients of weight and bias are computed once,
 * over the rows of all parts.
 *
 * @param parts Rows of each part, [N / P, in].
 * @param parameters As for {@linkcode linear}.
 * @returns The result of each part, [N / P, out].
 * @throws {TypeError} If there are several parts, and the class `linear` has a format.
 */
export function linearOfParts(parts: readonly tf.Tensor[], parameters: LinearParameters): tf.Tensor[] {
  if (parts.length === 1) return [linear(parts[0]!, parameters)];
  if (hasFormat("linear")) {
    throw new TypeError(
      `Cannot compute a linear layer in ${parts.length} parts: expected no format of the class linear.`,
    );
  }
  return classScope({ opClass: "linear" }, () => productsOfParts(parts, parameters));
}

/** Computes `x @ w + b` for the rows x of each part. */
function productsOfParts(
  parts: readonly tf.Tensor[],
  { weight, bias, transposed = false }: LinearParameters,
): tf.Tensor[] {
  const low = productType(), count = parts.length;
  const inputs = [...parts, weight, ...(bias === undefined ? [] : [bias])];
  return withGradient(inputs, (...given) => {
    const xs = given.slice(0, count), weight = given[count]!, bias = given[count + 1];
    const matrix = transposed && bias !== undefined ? tf.transpose(weight) : weight;
    const productOf = (x: tf.Tensor) =>
      bias === undefined ? tf.matMul(x, weight, false, transposed) : matMulBias([x, matrix, bias], low);
    const backward = (dys: tf.Tensor[], saved: tf.Tensor[]) => {
      const weight = saved[count]!;
      const lowDys = low === undefined ? dys : dys.map((dy) => cast(dy, low));
      const dxs = lowDys.map((dy) => tf.matMul(dy, weight, false, !transposed));
      const pairs = lowDys.map((dy, i) => ({ x: saved[i]!, dy }));
      const products = isSummed(pairs, weight)
        ? pairs
        : [{ x: joinParts(saved.slice(0, count)), dy: joinParts(lowDys) }];
      const sumOf = (gradient: (rows: { x: tf.Tensor; dy: tf.Tensor }) => tf.Tensor) =>
        products.map(gradient).reduce((a, b) => tf.add(a, b));
      const dw = sumOf(({ x, dy }) =>
        transposed ? tf.matMul(dy, x, true, false) : tf.matMul(x, dy, true, false)
      );
      return [...dxs, dw, ...(bias === undefined ? [] : [sumOf(({ dy }) => biasGradient(dy, bias))])];
    };
    return { values: xs.map(productOf), saved: [...xs, weight], backward };
  });
}

/**
 * Returns true if a weight's gradient is computed as the sum of a product per part. That saves the copy that joins the rows
 * of all parts, but the sum reads and writes the gradient. In lower precision, only one product over all rows rounds once.
 */
function isSummed(parts: readonly { x: tf.Tensor; dy: tf.Tensor }[], weight: tf.Tensor): boolean {
  const copied = parts.reduce((sum, { x, dy }) => sum + x.size + dy.size, 0);
  return copied >= weight.size &&
    [weight, ...parts.flatMap(({ x, dy }) => [x, dy])].every((one) => dtypeOf(one) === DataType.FLOAT);
}

const product = operation(
  "linear",
  ([x, weight]: [tf.Tensor, tf.Tensor], transposed: boolean) => tf.matMul(x, weight, false, transposed),
);

const productWithBias = operation(
  "linear",
  ([x, weight, bias]: [tf.Tensor, tf.Tensor, tf.Tensor]) => productsOfParts([x], { weight, bias })[0]!,
);

function matMulBias(inputs: tf.Tensor[], low: number | undefined = sharedLowType(inputs)): tf.Tensor {
  const { binding } = currentTensorFlow();
  // oneDNN's inner product ends the process if the inner dimension is empty.
  const empty = inputs[0]!.shape.at(-1) === 0;
  if (!empty && binding.trace?.mode !== "xla" && hasFusedMatMul()) {
    return runOp("_MklNativeFusedMatMul", {
      T: T_ATTRIBUTE,
      num_args: [AttributeType.INT, 1],
      fused_ops: [AttributeType.STRING, ["BiasAdd"]],
      transpose_a: [AttributeType.BOOL, false],
      transpose_b: [AttributeType.BOOL, false],
      // TensorFlow's own rewriter selects oneDNN's kernels by this label. They run under no other.
      _kernel: [AttributeType.STRING, "MklNameChangeOp"],
    }, inputs);
  }
  const [x, weight, bias] = low === undefined ? inputs : inputs.map((input) => float32(cast(input, low)));
  const value = withPolicy(POLICIES.float32, () => tf.add(tf.matMul(x!, weight!), bias!));
  return low === undefined ? value : cast(value, low);
}

/** Returns the 16-bit type of all tensors. Undefined if their types differ, or one is float32. */
function sharedLowType(tensors: readonly tf.Tensor[]): number | undefined {
  const [first, ...others] = tensors.map(dtypeOf);
  return first === DataType.FLOAT || others.some((dtype) => dtype !== first) ? undefined : first;
}

let fusedMatMul: boolean | undefined;

/**
 * Returns true if oneDNN's matrix product with a bias gives the right result on this machine. The first call computes a
 * known product.
 */
function hasFusedMatMul(): boolean {
  if (fusedMatMul !== undefined) return fusedMatMul;
  const { binding } = currentTensorFlow();
  if (binding.isUsingGpuDevice()) return fusedMatMul = false; // the op would run, but on the CPU
  const number = (shape: number[], value: number) =>
    binding.createTensor(
      shape,
      DataType.FLOAT,
      new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
    );
  const ids = [number([2, 2], 2), number([2, 2], 3), number([2], 1)];
  try {
    fusedMatMul = binding.probe("_MklNativeFusedMatMul", [
      { name: "T", type: AttributeType.TYPE, value: DataType.FLOAT },
      { name: "num_args", type: AttributeType.INT, value: 1 },
      { name: "fused_ops", type: AttributeType.STRING, value: ["BiasAdd"] },
      { name: "_kernel", type: AttributeType.STRING, value: "MklNameChangeOp" },
    ], ids)?.every((value) => value === 13) ?? false;
  } finally {
    for (const id of ids) binding.deleteTensor(id);
  }
  return fusedMatMul;
}

/** Computes a linear layer whose operands have formats of their own. */
function quantizedLinear(
  x: tf.Tensor,
  { weight, bias, transposed = false }: LinearParameters,
  layer: QuantizedLayer,
): tf.Tensor {
  const inputs = bias === undefined ? [x, weight] : [x, weight, bias];
  const [dtypeX, dtypeW] = [dtypeOf(x), dtypeOf(weight)];
  const reusesX = isReused(layer, ["forward.x", "wgrad.x"]),
    reusesW = isReused(layer, ["forward.w", "dgrad.w"]),
    reusesDy = isReused(layer, ["dgrad.dy", "wgrad.dy"]);
  return classScope({ opClass: "linear" }, () =>
    withGradient(inputs, (...given) => {
      const [x, weight, bias] = given;
      const { value, operands: [qx, qw] } = quantizedProduct(layer, "forward", {
        ...{ a: x!, b: weight!, transposeB: transposed, bias },
        slots: ["forward.x", "forward.w"],
      });
      const backward = ([dy]: tf.Tensor[], [x, weight]: tf.Tensor[]) => {
        const known = { ...(reusesX && { "wgrad.x": x! }), ...(reusesW && { "dgrad.w": weight! }) };
        const { value: dx, operands: [qdy] } = quantizedProduct({ ...layer, known }, "dgrad", {
          ...{ a: dy!, b: weight!, transposeB: !transposed },
          slots: ["dgrad.dy", "dgrad.w"],
        });
        const dw = quantizedProduct(
          { ...layer, known: { ...known, ...(reusesDy && { "wgrad.dy": qdy }) } },
          "wgrad",
          transposed
            ? { a: dy!, b: x!, transposeA: true, slots: ["wgrad.dy", "wgrad.x"] }
            : { a: x!, b: dy!, transposeA: true, slots: ["wgrad.x", "wgrad.dy"] },
        ).value;
        const gradients = [cast(dx, dtypeX), cast(dw, dtypeW)];
        return bias === undefined ? gradients : [...gradients, cast(biasGradient(dy!, bias), dtypeOf(bias))];
      };
      return { values: [value], saved: [reusesX ? qx : x!, reusesW ? qw : weight!], backward };
    })[0]!);
}

/** Sums the bias's gradient over rows, in float32. The rows' gradients are first rounded to the policy's type. */
function biasGradient(dy: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const low = productType();
  const sums = tf.matMul(tf.ones([1, dy.shape[0]!]), low === undefined ? dy : cast(dy, low));
  return tf.reshape(sums, bias.shape);
}
