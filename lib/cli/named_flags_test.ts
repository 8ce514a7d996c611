import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { RUN_FIELD_ENTRIES } from "../options/run_fields.ts";
import { parseSweepSpec } from "../sweep/mod.ts";
import { COMMAND_LINE, namingFlags } from "./named_flags.ts";
import { runFieldsOf, SWEEP_FIELDS } from "./run_flags.ts";

/** Returns the message about a sweep with these flags, as commander parses them. */
async function messageOf(flags: Record<string, unknown>, source = COMMAND_LINE): Promise<string> {
  const check = () => Promise.resolve(parseSweepSpec(runFieldsOf(flags, SWEEP_FIELDS), source));
  const how = { source, flags, fields: SWEEP_FIELDS };
  return (await assertRejects(() => namingFlags(how, check), UserError)).message;
}

Deno.test("an error about fields names the flags that set them, and the flags to change", async () => {
  assertEquals(
    await messageOf({ nHead: 3 }),
    "Cannot use --n-head: expected nEmbd to be a multiple of nHead, got nEmbd 128 and nHead 3. " +
      "Change --n-head or --n-embd.",
  );
  assertEquals(
    await messageOf({ nLayer: 2, override: [{ layers: ["h.7"], opClasses: ["linear"], format: "e4m3fn" }] }),
    "Cannot use --override: expected layers of overrides to be among embedding, h.0, h.1, head, loss, " +
      'got "h.7". Change --override.',
  );
  const operands = [{ opClasses: ["linear"], operands: ["z"], format: "e4m3fn" }];
  assertMatch(await messageOf({ override: operands }), /^Cannot use --override: overrides: no operand "z"/);
});

Deno.test("an error that has a remedy gets no second one, and a spec in a file keeps its name", async () => {
  assertEquals(
    await messageOf({ beta1: 0.8, optimizer: "sgd" }, "mine.json"),
    "Cannot use mine.json with --beta1 and --optimizer: beta1 has no effect with the optimizer sgd. Remove it.",
  );
});

Deno.test("other errors, and errors about fields that no flag set, are unchanged", async () => {
  const how = { source: COMMAND_LINE, flags: { nHead: 2 }, fields: RUN_FIELD_ENTRIES };
  for (const message of ["Cannot read nHead.", `Cannot use ${COMMAND_LINE}: expected floor to be 0, got 1`]) {
    const check = () => Promise.reject(new UserError(message));
    assertEquals((await assertRejects(() => namingFlags(how, check), UserError)).message, message);
  }
});
