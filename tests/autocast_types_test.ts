/**
 * Compares the types of operations under every policy with PyTorch's autocast lists ("CUDA Ops that can autocast to …", "CPU
 * Ops that can autocast to …" in the documentation of torch.amp). tests/fixtures/make_autocast_types.py recorded PyTorch's
 * types.
 */
import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import {
  autocast,
  compile,
  type PolicyName,
  toBfloat16,
  toFloat16,
  trueDtype,
  useTensorFlow,
} from "../lib/tensorflow/mod.ts";
import fixture from "./fixtures/autocast/types.json" with { type: "json" };
import { OP_CALLS, type OpCase } from "./support/op_calls.ts";

await useTensorFlow();

type Kind = "low" | "wide";
const TYPES = fixture.types as Record<string, Record<string, Record<Kind, string | null>>>;

/** Operations with inputs after the first that stay float32 under autocast, such as parameters. */
const WITH_PARAMETERS = new Set([
  ...["fusedMatMul", "fusedMatMulRelu", "fusedConv2d", "batchNorm", "linear", "layerNorm"],
]);

/** Differences from PyTorch, with reasons. */
const OWN: Record<string, string> = {
  einsumTranspose: "a rearrangement never rounds; PyTorch's CUDA list lowers every einsum",
  crossEntropy:
    "float32 whatever comes in, inside of autocast and outside; PyTorch's outside is in the logits' type",
  einsumOuter: "nothing is summed, as on PyTorch's CPU; its CUDA list lowers every einsum",
};

const lower: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  "float32": toBfloat16,
  "bf16-autocast": toBfloat16,
  "bf16-autocast-cuda": toBfloat16,
  "fp16-autocast": toFloat16,
};

function inputsOf(name: string, { inputs }: OpCase, kind: Kind, policy: string): tf.Tensor[] {
  return inputs.map((shape, i) => {
    const x = tf.randomUniform([...shape], 0.1, 0.9, "float32", i + 1);
    const isParameter = i > 0 && policy !== "float32" && WITH_PARAMETERS.has(name);
    return kind === "wide" || isParameter ? x : lower[policy]!(x);
  });
}

for (const policy of Object.keys(lower) as PolicyName[]) {
  Deno.test(`${policy}: operations have PyTorch's types, eager and compiled`, () => {
    const wrong: string[] = [];
    for (const [name, each] of Object.entries(OP_CALLS)) {
      for (const kind of ["low", "wide"] as const) {
        const type = TYPES[name]?.[policy]?.[kind];
        if (type === undefined || type === null || name in OWN) continue;
        tf.tidy(() => {
          const inputs = inputsOf(name, each, kind, policy);
          const run = (...inputs: tf.Tensor[]) => autocast(policy, () => each.run(...inputs));
          const check = (found: string, how: string) => {
            if (found !== type) {
              wrong.push(`${name} of ${kind} inputs, ${how}: ${found}, PyTorch's is ${type}`);
            }
          };
          check(trueDtype(run(...inputs)), "eager");
          if (name === "dropout") return; // TF.js's draws in JavaScript, which a compiled function refuses
          using compiled = compile(run);
          check(trueDtype(compiled(...inputs)), "compiled");
        });
      }
    }
    assertEquals(wrong, []);
  });

  Deno.test(`${policy}: gradients have the types of their tensors, and equal bits inside and outside of the region`, () => {
    for (const [name, each] of Object.entries(OP_CALLS)) {
      if (each.differentiable === false) continue;
      for (const kind of ["low", "wide"] as const) {
        tf.tidy(() => {
          const inputs = inputsOf(name, each, kind, policy);
          const outside = tf.grads((...x) => autocast(policy, () => each.run(...x)))(inputs);
          const inside = autocast(policy, () => tf.grads((...x) => each.run(...x))(inputs));
          const label = `${name} of ${kind} inputs`;
          assertEquals(outside.map(trueDtype), inputs.map(trueDtype), label);
          assertEquals(inside.map(trueDtype), inputs.map(trueDtype), label);
          assertEquals(outside.map((x) => x.arraySync()), inside.map((x) => x.arraySync()), label);
          if (name === "dropout") return;
          using compiled = compile((...x: tf.Tensor[]) =>
            tf.grads((...x) => autocast(policy, () => each.run(...x)))(x)
          );
          assertEquals(compiled(...inputs).map(trueDtype), inputs.map(trueDtype), `${label}, compiled`);
        });
      }
    }
  });
}

Deno.test("every operation of the PyTorch lists is compared, and every difference has a reason", () => {
  assertEquals(Object.keys(TYPES).filter((name) => !(name in OP_CALLS)), []);
  for (const name of Object.keys(OWN)) {
    assertEquals(trueDtype(OP_CALLS["crossEntropy"]!.run(toBfloat16(tf.ones([4, 6])))), "float32");
    const { run, inputs } = OP_CALLS[name]!;
    const types = ["bf16-autocast", "bf16-autocast-cuda"].map((policy) =>
      autocast(policy as PolicyName, () => trueDtype(run(...inputs.map((shape) => tf.ones([...shape])))))
    );
    assertEquals(types, ["float32", "float32"], name);
  }
});

Deno.test("Keras and pure policies: every operation of the library is bfloat16, losses are float32", () => {
  for (const policy of ["bf16-keras", "bf16-pure", "bf16-pure-stochastic", "bf16-pure-kahan"] as const) {
    for (
      const name of [
        "linear",
        "gelu",
        "layerNorm",
        "causalSoftmax",
        "causalAttention",
        "residual",
        "embedding",
      ]
    ) {
      const { inputs, run } = OP_CALLS[name]!;
      const result = autocast(policy, () => run(...inputs.map((shape) => tf.ones([...shape]))));
      assertEquals(trueDtype(result), "bfloat16", `${policy} ${name}`);
    }
    const loss = autocast(policy, () => OP_CALLS["crossEntropy"]!.run(tf.ones([4, 6])));
    assertEquals(trueDtype(loss), "float32", policy);
  }
});

Deno.test("operations of several TensorFlow ops round to bfloat16 once", () => {
  for (const name of ["prelu", "batchNorm", "localResponseNormalization", "resizeBilinear", "fusedConv2d"]) {
    const each = OP_CALLS[name]!;
    const low = inputsOf(name, each, "low", "float32");
    const exact = each.run(...low.map((x) => tf.tensor(x.dataSync(), x.shape)));
    const got = each.run(...low);
    // The bias of a convolution is added after the product is rounded.
    const rounded = name === "fusedConv2d" ? undefined : toBfloat16(exact).arraySync();
    if (rounded !== undefined) assertEquals(got.arraySync(), rounded, name);
    assertEquals(trueDtype(got), "bfloat16", name);
  }
});
