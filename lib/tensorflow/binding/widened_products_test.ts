/**
 * Products of bfloat16 numbers on processors that emulate bfloat16: in float32, rounded once.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { roundToBfloat16 } from "../../analysis/rounding.ts";
import { AttributeType } from "../native/attribute.ts";
import { NOT_WIDENED, type Widening } from "../native/bfloat16_support.ts";
import { DataType } from "../native/dtype.ts";
import { currentTensorFlow, useTensorFlow } from "./backend.ts";
import { Binding } from "./binding.ts";
import type { RunOp } from "./entry.ts";
import { POLICIES } from "./policy.ts";

const SIZE = 32;
const ALL: Widening = { products: "all", convolutions: true };

/** Multiplies two float32 matrices under a policy. Returns the product, and the ops that a watcher saw. */
async function product(
  options: { widening: Widening; policy: keyof typeof POLICIES },
  [a, b]: [Float32Array, Float32Array],
) {
  await useTensorFlow();
  const binding = new Binding(currentTensorFlow().runtime, options.widening);
  const seen: RunOp[] = [], types: number[][] = [];
  binding.opWatcher = {
    take: (op) => {
      seen.push(op);
      types.push(op.inputs.map((id) => binding.dtypeOf(id)));
    },
  };
  const ids = [a, b].map((values) => binding.createTensor([SIZE, SIZE], DataType.FLOAT, values));
  const [result] = binding.regions.withPolicy(POLICIES[options.policy], () =>
    binding.executeOp(
      "MatMul",
      [{ name: "T", type: AttributeType.TYPE, value: DataType.FLOAT }],
      ids,
      1,
    ));
  const dtype = binding.dtypeOf(result!.id), values = binding.tensorDataSync(result!.id);
  for (const id of [...ids, result!.id]) binding.deleteTensor(id);
  return { dtype, values, seen: seen.map(({ name }) => name), types, left: binding.getNumOfTensors() };
}

/** Returns multiples of 2^-6 below 1. Their products and sums are exact in float32. */
function fractions(seed: number): Float32Array {
  return Float32Array.from({ length: SIZE * SIZE }, (_, i) => ((i * seed) % 127 - 63) / 64);
}

Deno.test("a widened product is the float32 product of rounded operands, rounded once to bfloat16", async () => {
  const operands: [Float32Array, Float32Array] = [fractions(37), fractions(53)]; // exact in bfloat16
  const wide = await product({ widening: ALL, policy: "bf16-autocast" }, operands);
  const exact = await product({ widening: NOT_WIDENED, policy: "float32" }, operands);
  assertEquals(wide.dtype, DataType.BFLOAT16);
  assertEquals(wide.left, 0);
  const values = exact.values as Float32Array, rounded = values.map(roundToBfloat16);
  assertEquals(wide.values, rounded);
  assertGreater(values.filter((value, i) => value !== rounded[i]).length, 0); // rounding changes some
});

Deno.test("operands of a widened product are rounded to bfloat16 first", async () => {
  const one = new Float32Array(SIZE * SIZE).fill(1 + 2 ** -9), identity = new Float32Array(SIZE * SIZE);
  for (let i = 0; i < SIZE; i++) identity[i * SIZE + i] = 2 ** 9;
  const { values } = await product({ widening: ALL, policy: "bf16-autocast" }, [one, identity]);
  assertEquals(values[0], 2 ** 9); // 1 + 2^-9 rounds to 1
});

Deno.test("a watcher sees a widened product as one op on bfloat16 operands", async () => {
  const { seen, types } = await product(
    { widening: ALL, policy: "bf16-autocast" },
    [fractions(37), fractions(53)],
  );
  assertEquals(seen.filter((name) => name !== "Cast"), ["MatMul"]);
  assertEquals(seen.length, 3); // and a cast of each operand
  assertEquals(types.at(-1), [DataType.BFLOAT16, DataType.BFLOAT16]);
});

Deno.test("products in float32 are not widened", async () => {
  const { dtype, seen } = await product(
    { widening: ALL, policy: "float32" },
    [fractions(37), fractions(53)],
  );
  assertEquals([dtype, ...seen], [DataType.FLOAT, "MatMul"]);
});
