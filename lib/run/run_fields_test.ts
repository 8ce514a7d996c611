import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { RUN_FIELD_ENTRIES, RUN_FIELDS } from "../options/run_fields.ts";
import { canonicalJson, RUN_OPTIONS, runSpecSchema, sha256Hex, SPEC_FORM } from "../record/mod.ts";
import { resolveTrainerOptions } from "../train/trainer_options.ts";
import { expandSweep } from "../sweep/expand.ts";
import { parseSweepSpec } from "../sweep/parse_spec.ts";
import { DEFAULT_SWEEP } from "../sweep/spec.ts";
import * as v from "valibot";

const runs = (spec: object) => expandSweep(parseSweepSpec(spec, "x"), { data: "shakespeare", threads: 1 });

/** Fields added since version 0.1. */
const ADDED = [
  "perturb",
  "reorder",
  "evalBytes",
  "architecture",
  "norm",
  "position",
  "ropeTheta",
  "ropeScaling",
  "nKvHead",
  "nInner",
  "initFrom",
  "padVocab",
  "loss",
  "muonLr",
  "muonMomentum",
  "nsDtype",
];

Deno.test("run specs have the fields and values of version 0.1, and new fields", () => {
  const hash = (specs: readonly object[]) =>
    sha256Hex(canonicalJson(specs.map((spec) => {
      const former = { ...spec, evalTokens: 16384 }; // the default of version 0.1
      return Object.fromEntries(Object.entries(former).filter(([name]) => !ADDED.includes(name)));
    })));
  assertEquals(hash(runs({})), "0b0bda9fbed599cf2b06ee355450de4008210f2b85c664400ef5ad15f72bee4a");
  const other = { optimizer: "sgd", momentum: 0.9, seeds: [3], schedule: "wsd", decaySteps: 5, minLr: 0 };
  assertEquals(hash(runs(other)), "c757766f67a43dc81f649f79635731249da48a2c462b068f9548d7ed9222a1c4");
});

Deno.test("spec, records, columns and trainers have the fields and defaults of the option table", () => {
  const names = Object.keys(RUN_FIELDS).sort();
  const [run] = runs({}) as unknown as [Record<string, unknown>];
  assertEquals(Object.keys(run).sort(), names);
  assertEquals(Object.keys(SPEC_FORM).sort(), names);
  // A record without newer fields reads as one with the values of that time.
  const old = Object.fromEntries(Object.entries(run).filter(([name]) => !(name in RUN_OPTIONS)));
  assertEquals(v.parse(runSpecSchema, old), { ...run, ...RUN_OPTIONS } as never);
  const trainer = resolveTrainerOptions({ steps: 100 }) as unknown as Record<string, unknown>;
  for (const [name, field] of RUN_FIELD_ENTRIES) {
    if (field.default === undefined) continue;
    assertEquals((DEFAULT_SWEEP as unknown as Record<string, unknown>)[name], field.default, name);
    if (name in trainer && name !== "steps" && name !== "loss") {
      assertEquals(trainer[name], field.default, name);
    }
  }
});

Deno.test("specs are checked against every range and choice of the option table", () => {
  const refuse = (name: string, value: unknown) => {
    assertThrows(() => parseSweepSpec({ [name]: value }, "x"), UserError, name, `${name} ${value}`);
  };
  for (const [name, { type, least, most, above, below, choices }] of RUN_FIELD_ENTRIES) {
    if (["data", "tokenizer", "T", "B", "policy", "threads", "seed"].includes(name)) continue;
    if (type === "flag") refuse(name, "yes");
    else if (choices !== undefined || type === "overrides") refuse(name, "none of these");
    else if (type === "text") refuse(name, 1);
    else {
      refuse(name, least === undefined ? above : least - 1);
      refuse(name, below ?? (most ?? 1e9) * 2);
      if (type !== "number") refuse(name, 1.5);
    }
  }
});
