import { assertEquals } from "@std/assert";
import { GraphSize, isSmallOp } from "./op_size.ts";

/** [B, M, K] · [B, K, N] */
const product = (op: string, a: number[], b: number[], out: number[]) =>
  isSmallOp(op, { inputs: [a, b], results: [out] });

Deno.test("isSmallOp() counts the operations of products, transposed or not, with inputs broadcast over the batch", () => {
  assertEquals(product("MatMul", [768, 128], [128, 512], [768, 512]), true); // 1.0e8 operations
  assertEquals(product("MatMul", [1152, 256], [256, 1024], [1152, 1024]), false); // 6.0e8
  assertEquals(product("MatMul", [256, 1152], [256, 1024], [1152, 1024]), false); // the first one transposed
  assertEquals(product("BatchMatMulV2", [48, 64, 32], [48, 32, 64], [48, 64, 64]), true); // 1.3e7
  assertEquals(product("BatchMatMulV2", [8, 128, 512], [512, 512], [8, 128, 512]), false); // 5.4e8
  assertEquals(product("BatchMatMulV2", [128, 512], [8, 512, 512], [8, 128, 512]), false);
});

Deno.test("isSmallOp() limits the elements of every input and result, and leaves ops of unknown cost to all threads", () => {
  assertEquals(isSmallOp("Add", { inputs: [[1024, 1024], [1]], results: [[1024, 1024]] }), true);
  assertEquals(isSmallOp("Add", { inputs: [[1024, 1025], [1]], results: [[1024, 1025]] }), false);
  assertEquals(isSmallOp("GatherV2", { inputs: [[50304, 128], [64]], results: [[64, 128]] }), false);
  assertEquals(isSmallOp("Sum", { inputs: [[]], results: [[]] }), true);
  assertEquals(isSmallOp("Conv2D", { inputs: [[1, 8, 8, 1], [3, 3, 1, 1]], results: [[1, 8, 8, 1]] }), false);
  assertEquals(isSmallOp("Add", { inputs: [[0, 3]], results: [[0, 3]] }), true);
  assertEquals(product("MatMul", [0, 3], [3, 4], [0, 4]), true);
});

Deno.test("GraphSize sums the cost of ops: only small graphs run one op after the other", () => {
  const sizeOf = (...ops: [string, number[], number[]][]) => {
    const size = new GraphSize();
    for (const [op, input, result] of ops) {
      size.add(op, { inputs: [{ shape: input }, { shape: input }], results: [{ shape: result }] });
    }
    return [size.isSmall, size.isSequential];
  };
  assertEquals(sizeOf(), [true, true]);
  assertEquals(sizeOf(["MatMul", [256, 256], [256, 256]]), [true, true]); // 3.4e7 + 3.3e6
  assertEquals(sizeOf(...Array(3).fill(["MatMul", [256, 256], [256, 256]])), [true, false]);
  assertEquals(sizeOf(["Add", [1000, 1000], [1000, 1000]]), [true, true]); // 5e7
  assertEquals(sizeOf(...Array(3).fill(["Add", [1000, 1000], [1000, 1000]])), [true, false]);
  assertEquals(sizeOf(["Conv2D", [1, 2], [1, 2]]), [false, false]);
  assertEquals(sizeOf(["losskit_fused_gelu_0", [1, 2], [1, 2]]), [true, false]);
});
