import { assertEquals } from "@std/assert";
import { instructionsOf, variablesOf } from "./dockerfile.ts";

Deno.test("instructionsOf() joins continued lines and leaves out comments", () => {
  assertEquals(instructionsOf("# a\nFROM x AS y\n\nRUN a \\\n  && b\n  # c\nUSER 1000\n"), [
    { name: "FROM", rest: "x AS y" },
    { name: "RUN", rest: "a && b" },
    { name: "USER", rest: "1000" },
  ]);
});

Deno.test("variablesOf() replaces earlier variables", () => {
  assertEquals(variablesOf("PATH=/a/bin:$PATH B=1", { PATH: "/bin" }), { PATH: "/a/bin:/bin", B: "1" });
});
