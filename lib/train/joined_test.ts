import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import { fromParameters } from "../model/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { groupKey, groupsOf, joinedShapes, joinRecord, joinSlot } from "./_joined.ts";
import { separateRecord, separateSlot, shapesOf } from "./_joined.ts";
import { initialOptimizerState, zeroMoments } from "./optimizer.ts";

await useTensorFlow();

/** Two matrices, two vectors and a large matrix, which is alone. */
const parameters = () => ({
  a: tf.tensor2d([[1, 2, 3], [4, 5, 6]]),
  b: tf.tensor1d([7, 8]),
  c: tf.fill([512, 256], 9),
  d: tf.tensor3d([10, 11], [1, 2, 1]),
  e: tf.tensor1d([12]),
});

Deno.test("slots join small parameters by rank, on the device and on the host, and separate in the order of the parameters", () => {
  tf.tidy(() => {
    const all = parameters(), shapes = shapesOf(all);
    const keys = groupsOf(shapes).map(groupKey);
    assertEquals(keys.map((key) => key.split("\0")), [["c"], ["a", "d"], ["b", "e"]]);
    const slot = joinSlot(all), record = fromParameters(all);
    assertEquals(shapesOf(slot), joinedShapes(shapes));
    assertEquals(Object.values(slot).map(({ shape }) => shape), [[512, 256], [8], [3]]);
    assertEquals([...slot[keys[1]!]!.dataSync()], [1, 2, 3, 4, 5, 6, 10, 11]);
    assertEquals(joinRecord(record), fromParameters(slot));
    const separated = separateRecord(fromParameters(slot), shapes);
    assertEquals(separated, record);
    assertEquals(Object.keys(separated), ["a", "b", "c", "d", "e"]);
    assertEquals(separateRecord(record, shapes), record); // a slot that is not joined
    assertEquals(separateRecord({ b: record["b"]! }, shapes), { b: record["b"]! });
    const apart = fromParameters(separateSlot(slot, all));
    for (const [name, values] of Object.entries(record)) assertEquals(apart[name], values);
  });
});

Deno.test("only AdamW's moments are joined", () => {
  tf.tidy(() => {
    const all = parameters();
    const adamw = { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, clip: 0 };
    assertEquals(
      Object.values(initialOptimizerState(all, adamw)).map((slot) => Object.keys(slot).length),
      [3, 3],
    );
    assertEquals(Object.values(zeroMoments(all)).map((slot) => Object.keys(slot).length), [3, 3]);
    const sgd = { optimizer: "sgd", momentum: 0.9, weightDecay: 0, clip: 0 } as const;
    assertEquals(Object.keys(initialOptimizerState(all, sgd)["momentum"]!), Object.keys(all));
    const init = (name: string) => ({ m: name === "b" ? [2] : [] });
    const own = { optimizer: { name: "own", init, update: () => [] }, clip: 0, weightDecay: 0 };
    assertEquals(Object.keys(initialOptimizerState(all, own as never)["m"]!), Object.keys(all));
  });
});
