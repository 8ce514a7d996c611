import { assertEquals } from "@std/assert";
import { RESULTS_PAGE, resultsPage } from "./results_table.ts";

Deno.test("the table of results is written from the recorded results", async () => {
  assertEquals(await Deno.readTextFile(RESULTS_PAGE), await resultsPage());
});
