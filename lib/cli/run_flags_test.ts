import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Command } from "commander";
import { UserError } from "../error/user_error.ts";
import type { RunField } from "../options/run_field.ts";
import { RUN_FIELD_ENTRIES } from "../options/run_fields.ts";
import { addRunFlags, flagOf, runFieldsOf, SWEEP_FIELDS } from "./run_flags.ts";

Deno.test("a field that is added to the table gets its flag, its help text and its value", async () => {
  const fields: [string, RunField][] = [
    ...RUN_FIELD_ENTRIES.map(([name, field]): [string, RunField] => [name, field]),
    ["madeUpRate", { type: "number", default: 3, least: 0, flag: true, doc: "made-up rate" }],
  ];
  const program = new Command("made-up");
  addRunFlags(program, { fields, defaultOf: (name) => name === "madeUpRate" ? 3 : undefined });
  assertStringIncludes(program.helpInformation().replace(/\s+/g, " "), "made-up rate (default: 3)");
  const { madeUpRate, nLayer, tiedHead, allowDivergence } = await parsed(program, fields, [
    ...["--made-up-rate", "0.5", "--n-layer", "2", "--untied-head", "--fail-on-divergence"],
  ]);
  assertEquals([madeUpRate, nLayer, tiedHead, allowDivergence], [0.5, 2, false, false]);
});

Deno.test("a flag that turns a field off is described as such", () => {
  const program = new Command("made-up");
  addRunFlags(program, { defaultOf: () => undefined });
  const help = program.helpInformation().replace(/\s+/g, " ");
  for (const [name, field] of RUN_FIELD_ENTRIES.filter(([, { default: value }]) => value === true)) {
    const { flagDoc = "missing" }: RunField = field;
    assertStringIncludes(help, `${flagOf(name, field)} ${flagDoc}`);
  }
  assertStringIncludes(
    help,
    "tokens of validation text per evaluation, or all; replaces evalBytes; a sweep accepts it only if all runs have the same tokenizer (default: not set)",
  );
});

Deno.test("the flags of sweep give the lists and the single fields of a spec", async () => {
  const program = new Command("sweep");
  addRunFlags(program, { fields: SWEEP_FIELDS, defaultOf: () => undefined });
  const args = [
    "--seq",
    "64,128",
    "--seeds",
    "1,2",
    "--vocab",
    "char,512",
    "--amp",
    "off,on",
    "--lr",
    "3e-3",
  ];
  assertEquals(await parsed(program, SWEEP_FIELDS, [...args, "--override", "softmax=e8m3", "--qk-norm"]), {
    seq: [64, 128],
    seeds: [1, 2],
    vocab: ["char", "512"],
    policy: ["off", "on"],
    lr: 3e-3,
    overrides: [{ opClasses: ["softmax"], format: "e8m3" }],
    qkNorm: true,
  });
  const own = RUN_FIELD_ENTRIES.filter(([, { flag }]) => flag !== undefined).length;
  assertEquals(program.options.length, own - 2); // all but B and threads
});

async function parsed(
  program: Command,
  fields: readonly (readonly [string, RunField])[],
  args: string[],
): Promise<Record<string, unknown>> {
  await program.action(() => {}).parseAsync(args, { from: "user" });
  return runFieldsOf(program.opts(), fields);
}

Deno.test("errors on values of a run's flags name the flag, its range and the nearest choice", () => {
  const parse = (...args: string[]) => {
    const program = new Command("sweep").exitOverride();
    addRunFlags(program, { fields: SWEEP_FIELDS, defaultOf: () => undefined });
    return program.parse(args, { from: "user" }).opts();
  };
  const cases = [
    ["--lr", "0", "Cannot use --lr: expected lr to be above 0, got 0."],
    [
      "--lr",
      "1e-3,2e-3",
      '--lr: expected lr to be a number, got "1e-3,2e-3". List several values in the axes of a spec',
    ],
    ["--seq", "64,1.5", "Cannot use --seq: expected seq to be a whole number, got 1.5."],
    ["--dropout", "1", "Cannot use --dropout: expected dropout to be below 1, got 1."],
    ["--optimizer", "adam", 'or the path of a module, got "adam" (did you mean adamw?).'],
  ];
  for (const [flag = "", value = "", message = ""] of cases) {
    assertThrows(() => parse(flag, value), UserError, message);
  }
  assertEquals(parse("--optimizer", "./lion.ts", "--eval-tokens", "all"), {
    ...{ optimizer: "./lion.ts", evalTokens: "all" },
  });
});
