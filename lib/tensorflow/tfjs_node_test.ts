import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { PACKAGE_FOLDER } from "../file/package.ts";

/** The smallest permissions of the runtime in docs/install.md. */
const PERMISSIONS = /`(--allow-read --[^`]*)`/.exec(
  Deno.readTextFileSync(join(PACKAGE_FOLDER!, "docs", "install.md")),
)![1]!.split(" ");

Deno.test("tfjs-node's replacement is ready when imported, with the permissions of docs/install.md", async () => {
  const folder = await Deno.makeTempDir(), script = join(folder, "script.ts");
  try {
    Deno.writeTextFileSync(
      script,
      `import * as tf from ${JSON.stringify(new URL("./tfjs_node.ts", import.meta.url).href)};
const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2], useBias: false })] });
model.setWeights([tf.tensor2d([[1], [2]])]);
const path = "file://" + Deno.args[0];
await model.save(path + "/model");
const loaded = await tf.loadLayersModel(path + "/model/model.json");
const png = await tf.node.encodePng(tf.zeros<tf.Rank.R3>([2, 3, 3], "int32"));
await tf.ready();
console.log(tf.getBackend(), loaded.predict(tf.tensor2d([[3, 4]])).dataSync()[0], tf.node.decodePng(png).shape);
`,
    );
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--no-prompt",
        "--config",
        "deno.json",
        ...PERMISSIONS,
        "--allow-write",
        script,
        folder,
      ],
      cwd: PACKAGE_FOLDER!,
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(stdout);
    assertEquals(said, "tensorflow 11 [ 2, 3, 3 ]\n", new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
