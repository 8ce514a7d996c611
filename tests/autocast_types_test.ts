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
  trueDtype,
  useTensorFlow,
} from "../lib/tensorflow/mod.ts";
import { OP_CALLS } from "./support/op_calls.ts";
import { inputsOf, LOWER, OWN, TYPES } from "./support/op_types.ts";

await useTensorFlow();

for (const policy of Object.keys(LOWER) as PolicyName[]) {
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
