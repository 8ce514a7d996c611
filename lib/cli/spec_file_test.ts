import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { readSpec } from "./spec_file.ts";

Deno.test("readSpec() takes code that makes plain data, and refuses anything else in one sentence", async () => {
  const folder = await Deno.makeTempDir();
  const read = async (code: string) => {
    const path = join(folder, `${crypto.randomUUID()}.ts`);
    await Deno.writeTextFile(path, code);
    return await readSpec(path);
  };
  try {
    assertEquals(await read("export default { steps: 2 + 1 }"), { steps: 3 });
    for (
      const [code, told] of [
        ["export default { axes: { lr: [1n] } }", "BigInt"],
        ["export default { get steps() { throw new Error('a getter of its own'); } }", "a getter of its own"],
        ["const spec = {}; spec.axes = spec; export default spec", "circular"],
        ["throw new Error('while it loads')", "while it loads"],
      ] as const
    ) {
      const { message } = await assertRejects(() => read(code), UserError, told);
      assertMatch(
        message,
        /^Cannot read the spec \S+: expected a \.json file, .*, got an error: .*\. Correct the file\.$/,
      );
    }
    for (
      const [path, given] of [
        [join(folder, "none.json"), "a path that does not exist. Correct the path"],
        [folder, "a folder. Give the file"],
      ]
    ) {
      const { message } = await assertRejects(() => readSpec(path!), UserError);
      assertEquals(message.split(", ").at(-1), `got ${given}.`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
