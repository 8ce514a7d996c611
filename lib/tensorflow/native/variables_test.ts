import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { withVariables } from "./variables.ts";

const NAME = "LOSSKIT_TEST_VARIABLE";
const read = () => Deno.env.get(NAME);

Deno.test("withVariables() restores former values after results, errors and promises", async () => {
  for (const former of [undefined, "former"]) {
    if (former === undefined) Deno.env.delete(NAME);
    else Deno.env.set(NAME, former);
    assertEquals([withVariables({ [NAME]: "set" }, read), read()], ["set", former]);
    const pending = withVariables({ [NAME]: "set" }, async () => {
      await new Promise((resolve) => setTimeout(resolve));
      return read();
    });
    assertEquals(read(), "set");
    assertEquals([await pending, read()], ["set", former]);
    const fail = (): never => {
      throw new Error(`failed with ${read()}`);
    };
    assertThrows(() => withVariables({ [NAME]: "set" }, fail), Error, "failed with set");
    // deno-lint-ignore require-await -- an async function that throws
    await assertRejects(() => withVariables({ [NAME]: "set" }, async () => fail()), Error, "failed with set");
    assertEquals(read(), former);
  }
  Deno.env.delete(NAME);
});
