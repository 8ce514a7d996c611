import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../error/user_error.ts";
import { withVariables } from "./variables.ts";
import { withXlaFlags } from "./xla_flags.ts";

Deno.test("withXlaFlags() adds to the flags of XLA_FLAGS or of the file that it names, and refuses a missing file", () => {
  const read = () => Deno.env.get("XLA_FLAGS");
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(path, "--xla_a=1\n");
    for (const given of ["--xla_a=1", path]) {
      assertEquals(
        withVariables({ XLA_FLAGS: given }, () => withXlaFlags({ xla_a: "2", xla_b: "3" }, read)),
        "--xla_a=1 --xla_b=3",
      );
    }
  } finally {
    Deno.removeSync(path);
  }
  withVariables({ XLA_FLAGS: path }, () => {
    assertThrows(
      () => withXlaFlags({ xla_b: "3" }, read),
      UserError,
      `Cannot use XLA_FLAGS: expected flags that begin with --, or a file of them, got ${path}: `,
    );
  });
});
