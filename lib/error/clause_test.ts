import { assertEquals } from "@std/assert";
import { clauseOf, reasonOf } from "./clause.ts";

Deno.test("reasonOf() leaves out what an error says cannot be done, which the outer sentence states", () => {
  const error = new Error("Cannot read /a:b: expected a file: got a pipe. Replace it.");
  assertEquals(clauseOf(error), "Cannot read /a:b: expected a file: got a pipe. Replace it");
  assertEquals(reasonOf(error), "expected a file: got a pipe. Replace it");
  assertEquals(reasonOf(new Error("No such file (os error 2)")), "No such file (os error 2)");
  assertEquals(reasonOf("Cannot resume..."), "Cannot resume...");
});
