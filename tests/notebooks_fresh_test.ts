/**
 * Outputs in the notebooks of this repository match their cells, `lib/` and the files that the cells read.
 */
import { assertEquals } from "@std/assert";

Deno.test("the outputs in notebooks/ are current; otherwise run `deno task notebooks`", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "lib/cli/notebooks.ts", "--check"],
    cwd: new URL("../", import.meta.url).pathname,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stdout));
});
