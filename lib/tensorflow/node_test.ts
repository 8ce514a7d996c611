/** Tests of tfjs-node's namespace on real files. */
import { currentTensorFlow } from "./binding/backend.ts";
import * as tf from "@tensorflow/tfjs";
import { join } from "node:path";
import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { useTensorFlow } from "./binding/backend.ts";
import { io, node } from "./node.ts";

await useTensorFlow();
const { runtime } = currentTensorFlow();
const objects = new URL("../../tests/fixtures/tfjs_objects/", import.meta.url).pathname;

Deno.test("a SavedModel of Python's TensorFlow runs and is freed", async () => {
  const model = await node.loadSavedModel(join(objects, "saved_model/model_multi_output"));
  const before = runtime.liveHandles;
  const x = tf.tensor1d([1, 2], "int32"), y = tf.tensor1d([7], "int32");
  const outputs = model.predict({ x, y }) as Record<string, tf.Tensor>;
  assertEquals(Object.values(outputs).map((output) => Array.from(output.dataSync())), [[2, 4], [7]]);
  tf.dispose([x, y, outputs]);
  assertEquals(runtime.liveHandles, before);
  model.dispose();
  assertEquals(node.getNumOfSavedModels(), 0);
});

Deno.test("a missing SavedModel or tag throws an error that names it", async () => {
  await assertRejects(() => node.loadSavedModel("nowhere"), Error, "nowhere");
  const folder = join(objects, "saved_model/times_three_float");
  await assertRejects(() => node.loadSavedModel(folder, ["train"]), Error, "train");
});

Deno.test("models and summaries are written to files and read back", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
    await model.save(`file://${folder}/model`);
    const loaded = await tf.loadLayersModel(io.fileSystem(`${folder}/model/model.json`));
    const x = tf.ones([1, 3]);
    assertEquals(
      Array.from((loaded.predict(x) as tf.Tensor).dataSync()),
      Array.from((model.predict(x) as tf.Tensor).dataSync()),
    );
    const writer = node.summaryFileWriter(`${folder}/logs`);
    writer.scalar("loss", 1.204, 1);
    writer.histogram("weights", tf.scalar(2), 1);
    writer.flush();
    const [file] = [...Deno.readDirSync(`${folder}/logs`)];
    const written = new TextDecoder("latin1").decode(await Deno.readFile(`${folder}/logs/${file!.name}`));
    assertStringIncludes(written, "loss");
    assertStringIncludes(written, "histograms");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("decoding 20,000 images leaks no native memory", async () => {
  const image = await Deno.readFile(join(objects, "images/image_jpeg_test.jpeg"));
  const decode = () => {
    for (let i = 0; i < 20_000; i++) node.decodeJpeg(image).dispose();
    const { rss, heapTotal } = Deno.memoryUsage();
    return rss - heapTotal;
  };
  decode();
  // Leaking only the encoded image each time would add 16 MB.
  const before = decode();
  assertLess(decode() - before, 4_000_000);
  assert(before > 0);
});

Deno.test("conv3d with dilations on the CPU equals a convolution with a dilated filter", () => {
  const x = tf.randomNormal<tf.Rank.R5>([1, 5, 5, 5, 2], 0, 1, "float32", 1);
  const filter = tf.randomNormal<tf.Rank.R5>([2, 2, 2, 2, 3], 0, 1, "float32", 2);
  // Insert zeros between neighbors on each of the three axes.
  let spread: tf.Tensor = filter;
  for (const axis of [0, 1, 2]) {
    const [first, second] = tf.split(spread, 2, axis) as [tf.Tensor, tf.Tensor];
    spread = tf.concat([first, tf.zerosLike(first), second], axis);
  }
  const dilated = tf.conv3d(x, filter, 1, "valid", "NDHWC", [2, 2, 2]);
  const plain = tf.conv3d(x, spread as tf.Tensor5D, 1, "valid");
  assertEquals(dilated.shape, plain.shape);
  assertLess(tf.max(tf.abs(tf.sub(dilated, plain))).dataSync()[0]!, 16 * 3 * 2 ** -22);
});
