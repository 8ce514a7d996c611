/**
 * Compares the list of missing kernels in docs/runtime.md with the registered kernels.
 */
import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import { useTensorFlow } from "../lib/tensorflow/mod.ts";

Deno.test("docs/runtime.md lists the kernels of TF.js's CPU backend that the tensorflow backend lacks", async () => {
  await useTensorFlow({ device: "cpu" });
  const names = (backend: string) => tf.getKernelsForBackend(backend).map(({ kernelName }) => kernelName);
  const own = new Set(names("tensorflow"));
  const page = Deno.readTextFileSync(new URL("../docs/runtime.md", import.meta.url));
  const section = page.split("## Missing kernels")[1]!.split("\nUse them")[0]!.split("backend:")[1]!;
  const listed = [...section.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  assertEquals(listed, names("cpu").filter((name) => !own.has(name)).toSorted());
});
