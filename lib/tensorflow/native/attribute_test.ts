import { currentTensorFlow } from "../binding/backend.ts";
import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertThrows } from "@std/assert";
import { AttributeType } from "./attribute.ts";
import { useTensorFlow } from "../binding/backend.ts";
import { DataType } from "./dtype.ts";
import { Trace } from "./trace.ts";

await useTensorFlow();
const { backend, binding, runtime } = currentTensorFlow();
const { BOOL, FLOAT, FUNC, INT, SHAPE, STRING, TYPE } = AttributeType;

/** Runs an op with attributes given as `name: [type, value]`. */
function run(
  op: string,
  attributes: Record<string, [number, unknown]>,
  inputs: tf.Tensor[],
  outputs = 1,
): tf.Tensor[] {
  const list = Object.entries(attributes).map(([name, [type, value]]) => ({ name, type, value }));
  return backend.executeMultipleOutputs(op, list, inputs, outputs);
}

const values = (tensor: tf.Tensor | undefined) => Array.from(tensor!.dataSync());

Deno.test("ops receive attributes of every type, and lists of them", () => {
  const x = tf.tensor1d([1, 5, 12]);
  const boundaries: [number, unknown] = [FLOAT, [2, 10]];
  assertEquals(values(run("Bucketize", { T: [TYPE, DataType.FLOAT], boundaries }, [x])[0]), [0, 1, 2]);
  const pair = run("IdentityN", { T: [TYPE, [DataType.FLOAT, DataType.INT32]] }, [
    x,
    tf.scalar(3, "int32"),
  ], 2);
  assertEquals(pair.map(({ dtype }) => dtype), ["float32", "int32"]);
  const squeezed = run("Squeeze", { T: [TYPE, DataType.FLOAT], squeeze_dims: [INT, [1]] }, [
    tf.ones([2, 1, 1]),
  ]);
  assertEquals(squeezed[0]!.shape, [2, 1]);
  const split = run("Unpack", { T: [TYPE, DataType.FLOAT], num: [INT, 3], axis: [INT, 0] }, [x], 3);
  assertEquals(split.map((part) => values(part)[0]), [1, 5, 12]);
  const clipped = run("CumulativeLogsumexp", {
    T: [TYPE, DataType.FLOAT],
    Tidx: [TYPE, DataType.INT32],
    reverse: [BOOL, true],
  }, [tf.tensor1d([0, -Infinity]), tf.scalar(0, "int32")]);
  assertEquals(values(clipped[0]), [0, -Infinity]);
  const joined = run("StringJoin", { N: [INT, 2], separator: [STRING, "-"] }, [
    tf.tensor(["a"]),
    tf.tensor(["b"]),
  ]);
  assertEquals(values(joined[0]) as unknown, ["a-b"]);
});

Deno.test("a resource contains a variable with a type and a shape", () => {
  const like = { dtype: [TYPE, DataType.FLOAT] as [number, unknown] };
  const [variable] = run("VarHandleOp", {
    ...like,
    shape: [SHAPE, [2]],
    container: [STRING, ""],
    shared_name: [STRING, "attribute_test"],
  }, []);
  run("AssignVariableOp", like, [variable!, tf.tensor1d([1, 2])], 0);
  run("AssignAddVariableOp", like, [variable!, tf.tensor1d([10, 10])], 0);
  assertEquals(values(run("ReadVariableOp", like, [variable!])[0]), [11, 12]);
  run("DestroyResourceOp", { ignore_lookup_error: [BOOL, false] }, [variable!], 0);
  assertThrows(() => run("ReadVariableOp", like, [variable!]), Error, "ReadVariableOp");
});

/** Defines a function of a float32 vector of length 2, with a single op. */
function defineFunction(name: string, op: string): void {
  using trace = new Trace(runtime, { mode: "graph", firstId: binding.nextId });
  const input = trace.placeholder(DataType.FLOAT, [2]);
  const definition = { inputs: [{ typeAttribute: "T" }], attributes: new Map() };
  const outputs = trace.add({ name: op, definition, attributes: [], inputs: [input], outputs: 1 });
  trace.toFunction(name, { inputs: [input], outputs });
}

Deno.test("functions, lists of functions and lists of shapes are valid attributes", () => {
  defineFunction("negate", "Neg");
  defineFunction("square", "Square");
  const x = tf.tensor1d([1, 3]);
  const types = { Tin: [TYPE, [DataType.FLOAT]], Tout: [TYPE, [DataType.FLOAT]] } as Record<
    string,
    [number, unknown]
  >;
  assertEquals(values(run("PartitionedCall", { ...types, f: [FUNC, "negate"] }, [x])[0]), [-1, -3]);
  for (const [branch, wanted] of [[0, [-1, -3]], [1, [1, 9]]] as const) {
    const results = run("Case", {
      ...types,
      branches: [FUNC, ["negate", "square"]],
      output_shapes: [SHAPE, [[2]]],
    }, [tf.scalar(branch, "int32"), x]);
    assertEquals(values(results[0]), [...wanted]);
  }
});

Deno.test("checkCall() names an attribute of the wrong type, before native code runs", () => {
  const x = tf.ones([2, 2]);
  const refused = (attributes: Record<string, [number, unknown]>) =>
    assertThrows(() => run("MatMul", attributes, [x, x]), TypeError).message;
  assertEquals(
    refused({ transpose_a: [BOOL, 1] }),
    "Cannot run MatMul: expected the attribute transpose_a as bool, got 1 as bool.",
  );
  assertEquals(
    refused({ transpose_c: [BOOL, true] }),
    "Cannot run MatMul: expected no attribute transpose_c (the op has none of that name), " +
      "got true as bool.",
  );
  for (const bad of [[INT, 3], [TYPE, "float"], [TYPE, [1]], [TYPE, null], [99, 1]] as [number, unknown][]) {
    refused({ T: bad });
  }
});
