// @heavy
/**
 * TF.js's own specs, except for those that are skipped with a reason.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { runTfjsSuites } from "./tfjs/run.ts";

Deno.test("TF.js's core suite and tfjs-node-gpu's own specs pass on this backend", async () => {
  const { core, node } = await runTfjsSuites();
  assertEquals([...core.failed, ...node.failed], []);
  assertGreater(core.passed, 3800);
  assertGreater(node.passed, 140);
});
