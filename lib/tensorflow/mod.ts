/**
 * TF.js on current libtensorflow through Deno's FFI, with bfloat16 and whole-function compilation.
 *
 * `useTensorFlow()` makes it TF.js's backend; TF.js stays the API. `autocast` sets the precision policy of a region,
 * `compile` makes a function of tensors one native call.
 *
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { autocast, compile, trueDtype, useTensorFlow } from "@losskit/losskit/tensorflow";
 *
 * await useTensorFlow();
 * const product = compile((a: tf.Tensor2D, b: tf.Tensor2D) => tf.matMul(a, b));
 * const a = tf.ones<tf.Rank.R2>([2, 3]), b = tf.ones<tf.Rank.R2>([3, 2]);
 * console.log(product(a, b).arraySync()); // [[3, 3], [3, 3]]
 * console.log(autocast("bf16-autocast", () => trueDtype(product(a, b)))); // bfloat16
 * ```
 *
 * @module
 */
export { autocast, formatIn, type Precision, roundsStochastically } from "./autocast.ts";
export { currentTensorFlow, type TensorFlow, useTensorFlow, type UseTensorFlowOptions } from "./backend.ts";
export type { Attribute } from "./attribute.ts";
export type { Device, DeviceRequest } from "./device.ts";
export { BindingConstants, TensorMetadata } from "./_binding_constants.ts";
export type { HostValues } from "./_conversions.ts";
export type { InputDefinition, OpDefinition } from "./op_definition.ts";
export { Binding } from "./binding.ts";
export type { EagerCall } from "./eager_call.ts";
export type { OpBackend } from "./op_backend.ts";
export { attentionScores, attentionSums, causalAttention, causalSoftmax } from "./causal_attention.ts";
export { compile, type Compiled, type CompileOptions, type TensorTree } from "./compile.ts";
export { sparseCrossEntropy } from "./cross_entropy.ts";
export { crossEntropy, type CrossEntropyOptions } from "./cross_entropy_loss.ts";
export { fused } from "./fused.ts";
export type {
  Format,
  FormatFamily,
  NamedPolicy,
  OpClass,
  Overflow,
  PolicyClasses,
  PolicyName,
  PrecisionOverride,
  RoundingMode,
} from "../precision/mod.ts";
export {
  type Casts,
  decideCasts,
  FLOAT32_UNITS,
  type OpCall,
  type OpInput,
  POLICIES,
  type Policy,
  policyOf,
} from "./policy.ts";
export { foldIn, statelessBits, statelessNormal, statelessUniform } from "./random.ts";
export { roundTo } from "./rounding.ts";
export { layerNorm, type LayerNormParameters, type NormSettings } from "./layer_norm.ts";
export type { Pointer, Runtime, RuntimeOptions } from "./runtime.ts";
export type { XlaFlags } from "./xla_flags.ts";
export { formatOf, isObserved, layerScope, observe, operation, withObserver } from "./scope.ts";
export type { Observer, Region, Regions } from "./region.ts";
export { TensorFlowError } from "./tensorflow_error.ts";
export type { GraphOutput } from "./_graph_output.ts";
export type { ExecutionMode, GraphValue, Trace } from "./trace.ts";
export {
  bytesOf,
  type FloatingDtype,
  tensorOfBytes,
  toBfloat16,
  toFloat16,
  toFloat32,
  trueDtype,
} from "./true_dtype.ts";
export { residual } from "./residual.ts";
export { embedding, gelu, linear, type LinearParameters, probeRounding, type Rounding } from "./units.ts";
