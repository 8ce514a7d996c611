import { assertEquals } from "@std/assert";
import { drawResult, FIGURE } from "./draw_results.ts";

Deno.test("the README's figure is drawn from the recorded result", async () => {
  assertEquals(await Deno.readTextFile(FIGURE), await drawResult());
});
