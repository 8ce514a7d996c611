// @heavy
/**
 * TF.js's own specs, all but those that are passed over with a reason.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { runTfjsSuite } from "./tfjs/run.ts";

Deno.test("TF.js's core suite passes on this backend", async () => {
  const { passed, failed } = await runTfjsSuite();
  assertEquals(failed, []);
  assertGreater(passed, 3800);
});
