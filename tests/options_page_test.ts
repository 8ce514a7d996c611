/** The reference page of options says what the table of options says. */
import { assertEquals } from "@std/assert";
import { OPTIONS_PAGE, optionsPage } from "./support/options_page.ts";

Deno.test("docs/options.md is current: deno task build:options writes it", () => {
  assertEquals(Deno.readTextFileSync(OPTIONS_PAGE), optionsPage());
});
