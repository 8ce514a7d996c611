/**
 * Types and values of operations under every kind of policy: rearrangements, Keras's and PyTorch's pure bfloat16, and
 * emulated formats. `autocast_types_test.ts` compares autocast with PyTorch's lists.
 */
import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertNotEquals } from "@std/assert";
import { parseFormat } from "../lib/precision/mod.ts";
import {
  autocast,
  compile,
  type PolicyName,
  roundTo,
  toBfloat16,
  trueDtype,
  useTensorFlow,
} from "../lib/tensorflow/mod.ts";
import { OP_CALLS } from "./support/op_calls.ts";
import { inputsOf, OWN, TYPES } from "./support/op_types.ts";

await useTensorFlow();

/** Operations of this library with a class, whose formats policies set. */
const CLASSED = ["linear", "gelu", "layerNorm", "causalSoftmax", "causalAttention", "residual", "embedding"];

/**
 * Operations that move values and compute none. PyTorch's lists raise two of them to float32: reflection_pad on a CPU,
 * upsample_nearest2d on a GPU.
 */
const REARRANGEMENTS = [
  ...[
    "batchToSpaceND",
    "bandPart",
    "broadcastTo",
    "concat",
    "depthToSpace",
    "diag",
    "einsumTranspose",
    "expandDims",
  ],
  ...[
    "flipLeftRight",
    "frame",
    "gather",
    "gatherND",
    "meshgrid",
    "meshgridRows",
    "mirrorPad",
    "pad",
    "reshape",
  ],
  ...[
    "resizeNearestNeighbor",
    "reverse",
    "rotateWithOffset",
    "scatterND",
    "slice",
    "spaceToBatchND",
    "split",
  ],
  ...["squeeze", "stack", "stridedSlice", "tile", "topk", "transpose", "unstack", "where"],
];

const EVERY_POLICY: readonly PolicyName[] = [
  ...["float32", "bf16-autocast", "bf16-autocast-cuda", "fp16-autocast", "bf16-keras", "bf16-pure"] as const,
  ...["bf16-pure-stochastic", "bf16-pure-kahan", "emulated:e4m3"] as const,
];

Deno.test("rearrangements round nothing and keep the type under every policy, eager and compiled", () => {
  const wrong: string[] = [];
  for (const name of REARRANGEMENTS) {
    const { inputs, run } = OP_CALLS[name]!;
    for (const kind of ["low", "wide"] as const) {
      tf.tidy(() => {
        const values = inputs.map((shape, i) => {
          const x = tf.randomUniform([...shape], 0.1, 0.9, "float32", i + 1);
          return kind === "low" ? toBfloat16(x) : x;
        });
        const want = run(...values.map((x) => tf.tensor(x.dataSync(), x.shape))).arraySync();
        for (const policy of EVERY_POLICY) {
          const fn = (...inputs: tf.Tensor[]) => autocast(policy, () => run(...inputs));
          using compiled = compile(fn);
          for (
            const [how, result] of [["eager", fn(...values)], ["compiled", compiled(...values)]] as const
          ) {
            const type = trueDtype(result), label = `${name} of ${kind} inputs under ${policy}, ${how}`;
            const isRaised = ["mirrorPad", "resizeNearestNeighbor"].includes(name) && type === "float32";
            if (type !== (kind === "low" ? "bfloat16" : "float32") && !isRaised) {
              wrong.push(`${label}: ${type}`);
            }
            if (JSON.stringify(result.arraySync()) !== JSON.stringify(want)) {
              wrong.push(`${label}: other values`);
            }
          }
        }
      });
    }
  }
  assertEquals(wrong, []);
});

/**
 * Keras 3's mixed_bfloat16 (keras.mixed_precision: layers compute in `compute_dtype`, bfloat16; losses and variables are
 * float32), and PyTorch's model.bfloat16(): operations of the library are layers; TF.js's own ops follow bf16-autocast.
 */
for (const policy of ["bf16-keras", "bf16-pure", "bf16-pure-stochastic", "bf16-pure-kahan"] as const) {
  Deno.test(`${policy}: the library's operations are bfloat16, losses float32, others as under bf16-autocast`, () => {
    const wrong: string[] = [];
    let compared = 0;
    for (const [name, each] of Object.entries(OP_CALLS)) {
      for (const kind of ["low", "wide"] as const) {
        const type = name === "crossEntropy"
          ? "float32"
          : CLASSED.includes(name)
          ? "bfloat16"
          : name in OWN
          ? undefined
          : TYPES[name]?.["bf16-autocast"]?.[kind];
        if (type === undefined || type === null) continue;
        compared++;
        tf.tidy(() => {
          const inputs = inputsOf(name, each, kind, "bf16-autocast");
          const found = trueDtype(autocast(policy, () => each.run(...inputs)));
          if (found !== type) wrong.push(`${name} of ${kind} inputs: ${found}, expected ${type}`);
        });
      }
    }
    assertEquals(wrong, []);
    assertEquals(compared > 150, true, `${compared} compared`);
  });
}

Deno.test("emulated formats: linear, attention, softmax and gelu give the format's values, stored in float32", () => {
  for (const name of ["e4m3", "e5m2", "e8m3"]) {
    const format = parseFormat(name);
    for (const [op, each] of Object.entries(OP_CALLS)) {
      if (op === "dropout") continue; // random
      tf.tidy(() => {
        const inputs = inputsOf(op, each, "wide", "float32");
        const result = autocast(`emulated:${name}`, () => each.run(...inputs));
        assertEquals(trueDtype(result), "float32", `${op} under emulated:${name}`);
        const plain = each.run(...inputs).arraySync();
        if (!["linear", "gelu", "causalSoftmax", "causalAttention"].includes(op)) {
          return assertEquals(result.arraySync(), plain, `${op} under emulated:${name}`);
        }
        assertEquals(result.arraySync(), roundTo(result, format).arraySync(), `${op} under emulated:${name}`);
        assertNotEquals(result.arraySync(), plain, `${op} under emulated:${name}`);
      });
    }
  }
});
