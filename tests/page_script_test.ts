import { assertEquals } from "@std/assert";
import { PAGE_MODULE, pageModule } from "./support/page_script.ts";

Deno.test("the report's page script is the bundle of its sources; otherwise run `deno task build:page`", async () => {
  assertEquals(await Deno.readTextFile(PAGE_MODULE), await pageModule());
});
