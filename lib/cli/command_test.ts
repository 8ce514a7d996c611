import { assertEquals } from "@std/assert";
import { overrides } from "./command.ts";

Deno.test("overrides() parses a list", () => {
  assertEquals(overrides("softmax@h.1+h.2=e8m3, =float32"), [
    { layers: ["h.1", "h.2"], opClasses: ["softmax"], format: "e8m3" },
    { format: "float32" },
  ]);
});
