import { currentTensorFlow } from "./backend.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Attribute } from "../native/attribute.ts";
import { DataType } from "../native/dtype.ts";
import { useTensorFlow } from "./backend.ts";
import { OpDefinitions } from "../native/op_definition.ts";
import { decideCasts, FLOAT32_UNITS, POLICIES, policyOf } from "./policy.ts";

const { FLOAT, BFLOAT16, HALF, INT32 } = DataType;
const policy = POLICIES["bf16-autocast"];
const tensors = (...dtypes: number[]) => dtypes.map((dtype) => ({ dtype, shape: [8, 8], weak: false }));

Deno.test("decideCasts() lowers every listed op, by its floating inputs only", () => {
  for (const name of policy.lowOps) {
    const attributes = [{ name: "equation", type: 0, value: "ij,jk->ik" }];
    assertEquals(decideCasts(policy, { name, inputs: tensors(FLOAT, FLOAT), attributes }), {
      inputs: BFLOAT16,
    });
  }
  assertEquals(decideCasts(policy, { name: "MatMul", inputs: tensors(INT32, INT32) }), {});
});

Deno.test("decideCasts() raises every op of the float32 list", () => {
  for (const name of policy.float32Ops) {
    assertEquals(decideCasts(policy, { name, inputs: tensors(BFLOAT16, INT32) }), { inputs: FLOAT });
  }
});

Deno.test("every op in a policy's lists is a TensorFlow op with floating inputs", async () => {
  await useTensorFlow();
  const { runtime } = currentTensorFlow();
  const definitions = new OpDefinitions(runtime);
  for (const { lowOps, float32Ops } of Object.values(POLICIES)) {
    for (const name of [...lowOps, ...float32Ops, ...FLOAT32_UNITS]) {
      if (name === "Prelu" || name === "norm") continue; // TF.js's own ops
      assert(definitions.get(name).inputs.length > 0, name);
    }
  }
});

Deno.test("decideCasts() runs an unlisted op in its type, or in the widest of mixed types", () => {
  assertEquals(decideCasts(policy, { name: "Mul", inputs: tensors(BFLOAT16, BFLOAT16) }), {});
  assertEquals(decideCasts(policy, { name: "AddV2", inputs: tensors(FLOAT, BFLOAT16) }), { inputs: FLOAT });
  assertEquals(decideCasts(policy, { name: "ConcatV2", inputs: tensors(BFLOAT16, HALF, INT32) }), {
    inputs: FLOAT,
  });
  assertEquals(decideCasts(policy, { name: "Cast", inputs: tensors(BFLOAT16) }), {});
});

Deno.test("decideCasts() computes ops that accumulate in 16 bits in float32, under every policy", () => {
  for (const each of Object.values(POLICIES)) {
    for (const name of FLOAT32_UNITS) {
      if (each.float32Ops.has(name)) continue; // the policy also requires a float32 result
      assertEquals(decideCasts(each, { name, inputs: tensors(BFLOAT16) }), {
        inputs: FLOAT,
        results: BFLOAT16,
      });
      assertEquals(decideCasts(each, { name, inputs: tensors(FLOAT) }), {});
    }
  }
});

Deno.test("decideCasts() promotes as PyTorch does: numbers and scalars do not widen, and arithmetic rounds once", () => {
  const low = { dtype: BFLOAT16, shape: [8, 8], weak: false }, lowScalar = { ...low, shape: [] };
  const scalar = { dtype: FLOAT, shape: [], weak: false }, number = { ...scalar, weak: true };
  const integers = { dtype: FLOAT, shape: [8, 8], weak: true };
  for (const other of [scalar, number, integers]) {
    assertEquals(decideCasts(policy, { name: "Mul", inputs: [low, other] }), {
      inputs: FLOAT,
      results: BFLOAT16,
    });
    assertEquals(decideCasts(policy, { name: "Maximum", inputs: [other, low] }), { inputs: BFLOAT16 });
  }
  assertEquals(decideCasts(policy, { name: "Mul", inputs: [lowScalar, number] }).results, BFLOAT16);
  assertEquals(decideCasts(policy, { name: "Mul", inputs: [lowScalar, scalar] }), { inputs: FLOAT });
});

Deno.test("decideCasts() lowers only an Einsum that sums over a shared index", () => {
  const casts = (equation: string, count = 2) =>
    decideCasts(policy, {
      name: "Einsum",
      inputs: tensors(...Array<number>(count).fill(FLOAT)),
      attributes: [{ name: "equation", type: 0, value: equation }],
    }).inputs;
  for (const product of ["ij,jk->ik", "bij, bkj -> bik", "i,i->", "...ij,...jk->...ik"]) {
    assertEquals(casts(product), BFLOAT16, product);
  }
  for (const other of ["i,j->ij", "ij,ij->ij"]) assertEquals(casts(other), undefined, other);
  for (const other of ["ij->ji", "ij->i", "...ij->...ji"]) assertEquals(casts(other, 1), undefined, other);
});

Deno.test("the float32 policy does not change products of float32", () => {
  assertEquals(decideCasts(POLICIES.float32, { name: "MatMul", inputs: tensors(FLOAT, FLOAT) }), {});
});

Deno.test("policyOf() returns every policy; emulated ones leave ops outside of a model's operations in float32", () => {
  for (const [name, each] of Object.entries(POLICIES)) assertEquals(policyOf(name), each);
  const emulated = policyOf("emulated:e4m3");
  assertEquals(decideCasts(emulated, { name: "MatMul", inputs: tensors(FLOAT, FLOAT) }), {});
  assertEquals(emulated.classes.softmax, "e4m3");
  assertThrows(() => policyOf("fp8"), RangeError, "expected one of float32, bf16-autocast");
});

Deno.test("decideCasts() widens bfloat16 products if the machine emulates bfloat16", () => {
  const machine = { widening: { products: "all", convolutions: true } } as const;
  const inputs = tensors(FLOAT, FLOAT);
  assertEquals(decideCasts(policy, { name: "MatMul", inputs }, machine), {
    inputs: BFLOAT16,
    widened: BFLOAT16,
  });
  const low = { name: "BatchMatMulV2", inputs: tensors(BFLOAT16, BFLOAT16) };
  assertEquals(decideCasts(POLICIES.float32, low, machine), { widened: BFLOAT16 });
  assertEquals(decideCasts(POLICIES.float32, low), {});
  assertEquals(decideCasts(POLICIES["fp16-autocast"], { name: "MatMul", inputs }, machine), { inputs: HALF });
  assertEquals(decideCasts(POLICIES.float32, { name: "MatMul", inputs }, machine), {});
  for (const name of ["Prelu", "Mul"]) {
    assertEquals(decideCasts(policy, { name, inputs }, machine), decideCasts(policy, { name, inputs }));
  }
  const cpu = { usesCpuKernels: true };
  for (const name of ["Conv2DBackpropFilter", "Conv3D", "DepthwiseConv2dNative"]) {
    assertEquals(decideCasts(POLICIES["fp16-autocast"], { name, inputs }, cpu), {
      inputs: HALF,
      widened: HALF,
    });
    assertEquals(decideCasts(POLICIES["fp16-autocast"], { name, inputs }), { inputs: HALF });
  }
  assertEquals(decideCasts(POLICIES["fp16-autocast"], { name: "MatMul", inputs }, cpu), { inputs: HALF });
  const attributes = [{ name: "equation", type: 0, value: "ij->ji" }];
  const transposed = { name: "Einsum", inputs: tensors(BFLOAT16), attributes };
  assertEquals(decideCasts(policy, transposed, machine), {});
});

Deno.test("decideCasts() widens products whose sums do not fill AMX tiles, if the first factor is not transposed", () => {
  const isWidened = (name: string, shapes: number[][], attributes: Attribute[] = []) => {
    const inputs = shapes.map((shape) => ({ dtype: BFLOAT16, shape, weak: false }));
    return decideCasts(policy, { name, inputs, attributes }, {
      widening: { products: "partial tiles", convolutions: false },
    }).widened !== undefined;
  };
  const convolutions = { widening: { products: "none", convolutions: true } } as const;
  for (const name of ["Conv2D", "Conv2DBackpropInput", "Conv3D", "MatMul", "DepthwiseConv2dNative"]) {
    const { widened } = decideCasts(policy, { name, inputs: tensors(BFLOAT16, BFLOAT16) }, convolutions);
    assertEquals(widened !== undefined, name.startsWith("Conv"), name);
  }
  const terms = [1, 5, 31, 32, 33, 48, 64, 65, 96, 100];
  const partial = [33, 48, 65, 100];
  assertEquals(terms.filter((K) => isWidened("MatMul", [[7, K], [K, 9]])), partial);
  assertEquals(terms.filter((K) => isWidened("_MklNativeFusedMatMul", [[7, K], [K, 9], [9]])), partial);
  assertEquals(terms.filter((K) => isWidened("BatchMatMulV2", [[2, 7, K], [2, 9, K]])), partial);
  assertEquals(terms.filter((K) => isWidened("Conv2D", [[1, 4, 4, K], [1, 1, K, 9]])), []);
  for (const [name, flag] of [["MatMul", "transpose_a"], ["BatchMatMulV2", "adj_x"]] as const) {
    for (const value of [true, false]) {
      assertEquals(isWidened(name, [[48, 48], [48, 9]], [{ name: flag, type: 0, value }]), !value);
    }
  }
  const equation = [{ name: "equation", type: 0, value: "ik,kj->ij" }];
  assertEquals(terms.filter((K) => isWidened("Einsum", [[7, K], [K, 9]], equation)), partial);
});
