import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataType } from "./dtype.ts";
import { useTensorFlow } from "./backend.ts";
import { OpDefinitions } from "./op_definition.ts";
import { decideCasts, FLOAT32_UNITS, POLICIES, policyOf } from "./policy.ts";

const { FLOAT, BFLOAT16, HALF, INT32 } = DataType;
const policy = POLICIES["bf16-autocast"];

Deno.test("decideCasts() lowers every listed op, and only floating inputs count", () => {
  for (const name of policy.lowOps) {
    assertEquals(decideCasts(policy, { name, dtypes: [FLOAT, FLOAT] }), { inputs: BFLOAT16 });
  }
  assertEquals(decideCasts(policy, { name: "MatMul", dtypes: [INT32, INT32] }), {});
});

Deno.test("decideCasts() raises every op of the float32 list", () => {
  for (const name of policy.float32Ops) {
    assertEquals(decideCasts(policy, { name, dtypes: [BFLOAT16, INT32] }), { inputs: FLOAT });
  }
});

Deno.test("every op that a policy lists is an op of TensorFlow with floating inputs to cast", async () => {
  const { runtime } = await useTensorFlow();
  const definitions = new OpDefinitions(runtime);
  for (const { lowOps, float32Ops } of Object.values(POLICIES)) {
    for (const name of [...lowOps, ...float32Ops, ...FLOAT32_UNITS]) {
      assert(definitions.get(name).inputs.length > 0, name);
    }
  }
});

Deno.test("decideCasts() runs an unlisted op in its type, in the widest of mixed types", () => {
  assertEquals(decideCasts(policy, { name: "Mul", dtypes: [BFLOAT16, BFLOAT16] }), {});
  assertEquals(decideCasts(policy, { name: "AddV2", dtypes: [FLOAT, BFLOAT16] }), { inputs: FLOAT });
  assertEquals(decideCasts(policy, { name: "ConcatV2", dtypes: [BFLOAT16, HALF, INT32] }), { inputs: FLOAT });
  assertEquals(decideCasts(policy, { name: "Cast", dtypes: [BFLOAT16] }), {});
});

Deno.test("decideCasts() has ops that sum in 16 bits compute in float32, under every policy", () => {
  for (const each of Object.values(POLICIES)) {
    for (const name of FLOAT32_UNITS) {
      if (each.float32Ops.has(name)) continue; // the policy wants the result in float32 too
      assertEquals(decideCasts(each, { name, dtypes: [BFLOAT16] }), { inputs: FLOAT, results: BFLOAT16 });
      assertEquals(decideCasts(each, { name, dtypes: [FLOAT] }), {});
    }
  }
});

Deno.test("the float32 policy leaves products of float32 alone", () => {
  assertEquals(decideCasts(POLICIES.float32, { name: "MatMul", dtypes: [FLOAT, FLOAT] }), {});
});

Deno.test("policyOf() finds every policy, and emulated ones, which leave ops outside of a model's parts in float32", () => {
  for (const [name, each] of Object.entries(POLICIES)) assertEquals(policyOf(name), each);
  const emulated = policyOf("emulated:e4m3");
  assertEquals(decideCasts(emulated, { name: "MatMul", dtypes: [FLOAT, FLOAT] }), {});
  assertEquals(emulated.classes.softmax, "e4m3");
  assertThrows(() => policyOf("fp8"), RangeError, "wanted one of float32, bf16-autocast");
});
