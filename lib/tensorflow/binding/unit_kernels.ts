/**
 * TF.js kernels that always run in float32 and round once. Some consist of several TensorFlow ops, which would each
 * round. Others have no 16-bit kernel in TensorFlow.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type BoundBackend, castIn, dtypeIn } from "./_cast.ts";
import { DataType, isFloating } from "../native/dtype.ts";
import { replaceKernel } from "./_replace_kernel.ts";
import { POLICIES, type Policy } from "./policy.ts";

/** Names of the kernels. */
const UNIT_KERNELS = [
  "AvgPool3D",
  "AvgPool3DGrad",
  "Bincount",
  "CropAndResize",
  "Diag",
  "Dilation2D",
  "Dilation2DBackpropFilter",
  "Dilation2DBackpropInput",
  "FusedBatchNorm",
  "LRN",
  "LRNGrad",
  "MaxPool3D",
  "MaxPool3DGrad",
  "Multinomial",
  "Prelu",
  "ResizeBilinear",
  "ResizeBilinearGrad",
  "Step",
  "Transform",
] as const;

/** Replaces the kernels. Call this function after all other kernels are registered. */
export function registerUnitKernels(bound: BoundBackend): void {
  for (const name of UNIT_KERNELS) {
    replaceKernel(name, (call, run) => {
      const given = Object.entries(call.inputs) as unknown as [string, tf.Tensor | undefined][];
      const floating = given.filter(([, input]) => input?.dtype === "float32") as [string, tf.Tensor][];
      const types = floating.map(([, input]) => dtypeIn(bound, input));
      const { regions } = bound.binding, { policy } = regions.current;
      const low = policy.lowOps.has(name) ? policy.lowType : undefined;
      if (low === undefined && types.every((dtype) => dtype === DataType.FLOAT)) return run(call);
      const result = low ?? (policy.float32Ops.has(name) ? DataType.FLOAT : resultType(policy, types));
      const cast = (x: tf.Tensor, dtype: number) => dtypeIn(bound, x) === dtype ? x : castIn(bound, x, dtype);
      return tf.tidy(() => {
        const inputs = Object.fromEntries(given.map(([key, input]) => {
          if (input?.dtype !== "float32") return [key, input];
          return [key, cast(low === undefined ? input : cast(input, low), DataType.FLOAT)];
        }));
        const value = regions.withPolicy(
          POLICIES.float32,
          () => run({ ...call, inputs: inputs as unknown as tf.NamedTensorInfoMap }),
        ) as tf.Tensor;
        return isFloating(dtypeIn(bound, value)) ? cast(value, result) : value;
      });
    });
  }
}

/**
 * Returns the type of the first input, because the other inputs are parameters. If the policy promotes to float32,
 * returns float32.
 */
function resultType({ promotion }: Policy, types: readonly number[]): number {
  return promotion === "float32" ? DataType.FLOAT : types[0]!;
}
