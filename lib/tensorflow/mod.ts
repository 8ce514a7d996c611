/**
 * TF.js on current libtensorflow through Deno's FFI, with bfloat16 and whole-function compilation.
 *
 * `useTensorFlow()` registers libtensorflow as TF.js's backend. Code calls TF.js's API as before. `autocast` sets the
 * precision policy of a region. `compile` turns a function of tensors into a single native call.
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
export { autocast, drawsRandomly, formatsIn, fullPolicyName, type Precision } from "./precision/autocast.ts";
export { type TensorFlow, useTensorFlow, type UseTensorFlowOptions } from "./binding/backend.ts";
export type { Device, DeviceRequest } from "./native/device.ts";
export { attentionScores, attentionSums, causalAttention, causalSoftmax } from "./ops/causal_attention.ts";
export { compile, type Compiled, type CompileOptions, type TensorTree } from "./compile/compile.ts";
export { sparseCrossEntropy } from "./ops/cross_entropy.ts";
export { crossEntropy, type CrossEntropyOptions } from "./ops/cross_entropy_loss.ts";
export { fused } from "./binding/fused.ts";
export { type FormatInfo, formatInfo } from "../precision/mod.ts";
export type {
  ClassFormats,
  Format,
  FormatFamily,
  LinearRecipe,
  NamedPolicy,
  OpClass,
  Overflow,
  PolicyClasses,
  PolicyName,
  PolicyWord,
  PrecisionOverride,
  Quantizer,
  RecipeName,
  RoundingMode,
  Scaling,
  ScalingKind,
  Scope,
  Slot,
  SlotFormats,
} from "../precision/mod.ts";
export { POLICIES, type Policy } from "./binding/policy.ts";
export { foldIn, statelessNormal, statelessUniform } from "./precision/random.ts";
export { quantize, type QuantizeOptions } from "./precision/quantize.ts";
export { roundTo } from "./precision/rounding.ts";
export { layerNorm, type LayerNormParameters, type NormSettings, rmsNorm } from "./ops/layer_norm.ts";
export { repeatHeads } from "./ops/repeat_heads.ts";
export { rotary } from "./ops/rotary.ts";
export { isObserved, layerScope, observe, operation, withObserver } from "./precision/scope.ts";
export type { AmaxRecord, Observer } from "./binding/region.ts";
export { TensorFlowError } from "./native/tensorflow_error.ts";
export {
  bytesOf,
  type FloatingDtype,
  tensorOfBytes,
  toBfloat16,
  toFloat16,
  toFloat32,
  trueDtype,
} from "./binding/true_dtype.ts";
export { residual } from "./ops/residual.ts";
export { linear, type LinearParameters } from "./ops/linear.ts";
export { embedding, gelu, probeRounding, type Rounding } from "./ops/units.ts";
