import { assertEquals, assertStringIncludes } from "@std/assert";
import { Command } from "commander";
import { RUN_FIELD_ENTRIES, type RunField } from "../options/run_fields.ts";
import { addRunFlags, runFieldsOf } from "./run_flags.ts";

Deno.test("a field that is added to the table gets its flag, its help text and its value", async () => {
  const fields: [string, RunField][] = [
    ...RUN_FIELD_ENTRIES.map(([name, field]): [string, RunField] => [name, field]),
    ["madeUpRate", { type: "number", default: 3, least: 0, flag: true, doc: "made-up rate" }],
  ];
  const program = new Command("made-up");
  addRunFlags(program, { fields, defaultOf: (name) => name === "madeUpRate" ? 3 : undefined });
  assertStringIncludes(program.helpInformation().replace(/\s+/g, " "), "made-up rate (default: 3)");
  const { madeUpRate, nLayer, tiedHead } = await parsed(program, fields, [
    ...["--made-up-rate", "0.5", "--n-layer", "2", "--untied-head"],
  ]);
  assertEquals([madeUpRate, nLayer, tiedHead], [0.5, 2, false]);
});

async function parsed(
  program: Command,
  fields: [string, RunField][],
  args: string[],
): Promise<Record<string, unknown>> {
  await program.action(() => {}).parseAsync(args, { from: "user" });
  return runFieldsOf(program.opts(), fields);
}
