import { assert, assertEquals, assertFalse } from "@std/assert";
import { PACKAGE_FOLDER } from "../../file/package.ts";
import { currentTensorFlow, useTensorFlow } from "../binding/backend.ts";
import { emulatesBfloat16, givesNaN } from "./bfloat16_support.ts";

const unused = () => {
  throw new Error("Cannot measure: expected no call.");
};

Deno.test("emulatesBfloat16() is true for x86 processors without instructions for bfloat16", () => {
  const emulates = (arch: string, flags: string[]) =>
    emulatesBfloat16(unused, { arch, flags: new Set(flags) });
  assert(emulates("x86_64", ["avx2", "avx512f", "avx512_vnni"]));
  for (const flag of ["avx512_bf16", "amx_bf16", "avx_ne_convert"]) {
    assertFalse(emulates("x86_64", ["avx512f", flag]));
  }
  assertFalse(emulates("aarch64", ["asimd"]));
});

Deno.test("emulatesBfloat16() measures a product if the processor's features are unknown", () => {
  for (const isNaN of [true, false]) {
    assertEquals(emulatesBfloat16(() => isNaN, { arch: "x86_64", flags: undefined }), isNaN);
  }
  assertFalse(emulatesBfloat16(unused, { arch: "aarch64", flags: undefined }));
});

Deno.test("givesNaN() frees its tensors, and gives the same answer again", async () => {
  await useTensorFlow({ device: "cpu" });
  const { runtime } = currentTensorFlow(), before = runtime.liveHandles;
  assertEquals(givesNaN(runtime), givesNaN(runtime));
  assertEquals(runtime.liveHandles, before);
});

const PROGRAM = `
  import * as tf from "@tensorflow/tfjs";
  import { autocast, useTensorFlow } from "./lib/tensorflow/mod.ts";
  await useTensorFlow({ device: "cpu" });
  const a = tf.fill([16, 5], Infinity), b = tf.randomNormal([700, 600], 0, 1, "float32", 1);
  const products = autocast("bf16-autocast", () => [tf.matMul(a, tf.ones([5, 16])), tf.matMul(b, b, true)]);
  for (const product of products) console.log(product.dataSync().join(" "));`;

/** Runs the program with the given permissions, and returns what it prints. */
async function outputWith(permissions: string[]): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--no-prompt", ...permissions, "-"],
    cwd: PACKAGE_FOLDER!,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(PROGRAM));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("bfloat16 products have the same bits with all of Deno's permissions and with those of TensorFlow", async () => {
  const all = await outputWith(["-A"]);
  assertEquals(all.split("\n")[0], Array(256).fill("Infinity").join(" "));
  const fewer = await outputWith(["--allow-read", "--allow-env", "--allow-ffi", "--allow-sys"]);
  assert(all === fewer, "other bits without --allow-all");
});
