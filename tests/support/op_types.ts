/**
 * The types that PyTorch gives the calls of `op_calls.ts` under autocast, and inputs of these calls.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { toBfloat16, toFloat16 } from "../../lib/tensorflow/mod.ts";
import fixture from "../fixtures/autocast/types.json" with { type: "json" };
import type { OpCase } from "./op_calls.ts";

export type Kind = "low" | "wide";
export const TYPES = fixture.types as Record<string, Record<string, Record<Kind, string | null>>>;

/** Operations with inputs after the first that stay float32 under autocast, such as parameters. */
const WITH_PARAMETERS = new Set([
  ...["fusedMatMul", "fusedMatMulRelu", "fusedConv2d", "batchNorm", "linear", "layerNorm"],
]);

/** Differences from PyTorch, with reasons. */
export const OWN: Record<string, string> = {
  einsumTranspose: "a rearrangement never rounds; PyTorch's CUDA list lowers every einsum",
  crossEntropy: "always float32; outside of autocast, PyTorch's loss has the type of the logits",
  einsumOuter: "nothing is summed, as on PyTorch's CPU; its CUDA list lowers every einsum",
};

export const LOWER: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  "float32": toBfloat16,
  "bf16-autocast": toBfloat16,
  "bf16-autocast-cuda": toBfloat16,
  "fp16-autocast": toFloat16,
};

export function inputsOf(name: string, { inputs }: OpCase, kind: Kind, policy: string): tf.Tensor[] {
  return inputs.map((shape, i) => {
    const x = tf.randomUniform([...shape], 0.1, 0.9, "float32", i + 1);
    const isParameter = i > 0 && policy !== "float32" && WITH_PARAMETERS.has(name);
    return kind === "wide" || isParameter ? x : LOWER[policy]!(x);
  });
}
