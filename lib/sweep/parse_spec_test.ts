import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { flopsPerToken } from "../model/mod.ts";
import { isPerturbed, perturbationOf, type RunSpec } from "../record/mod.ts";
import { expandSweep, expansionOf } from "./expand.ts";
import { parseSweepSpec } from "./parse_spec.ts";
import { modelOf } from "../run/model_of.ts";

/** A spec of one run. */
const ONE = {
  ...{ data: "text.txt", seq: [16], policy: ["float32"], vocab: ["character"], seeds: [1] },
  ...{ tokensPerStep: 64, nEmbd: 32, nHead: 2, nLayer: 2, evalBytes: 128, warmupSteps: 0 },
};

function runsOf(given: object, vocabSize = 30): RunSpec[] {
  const spec = parseSweepSpec({ ...ONE, ...given }, "the test");
  return expandSweep(spec, { data: "text.txt", threads: 1, vocabSize: () => vocabSize });
}

/** Returns selected fields of all runs. */
function columns(given: object, ...fields: (keyof RunSpec)[]): unknown[][] {
  return runsOf(given).map((run) => fields.map((field) => run[field]));
}

Deno.test("expandSweep() combines axes with the standard lists, and places paired runs side by side", () => {
  const given = { axes: { lr: [1e-3, 3e-3] }, policy: ["float32", "bf16-autocast"], seeds: [1, 2] };
  assertEquals(columns(given, "lr", "seed", "policy"), [
    [1e-3, 1, "float32"],
    [1e-3, 1, "bf16-autocast"],
    [1e-3, 2, "float32"],
    [1e-3, 2, "bf16-autocast"],
    [3e-3, 1, "float32"],
    [3e-3, 1, "bf16-autocast"],
    [3e-3, 2, "float32"],
    [3e-3, 2, "bf16-autocast"],
  ]);
});

Deno.test("expandSweep() zips fields, which may replace a standard list", () => {
  const zip = [{ T: [8, 16, 32], lr: [1e-3, 2e-3, 3e-3] }];
  const { seq: _seq, ...rest } = ONE;
  const spec = parseSweepSpec({ ...rest, zip }, "the test");
  const runs = expandSweep(spec, { data: "text.txt", threads: 1 });
  assertEquals(runs.map(({ T, B, lr }) => [T, B, lr]), [[8, 8, 1e-3], [16, 4, 2e-3], [32, 2, 3e-3]]);
});

Deno.test("expandSweep() applies when before exclude", () => {
  const given = {
    axes: { lr: [1e-3, 1e-2, 1e-1], qkNorm: [false, true] },
    when: [
      { if: { lr: { atLeast: 1e-2 } }, set: { clip: 0.5 } },
      { if: { clip: 0.5, qkNorm: [true] }, set: { zLoss: 1e-4 } },
    ],
    exclude: [{ lr: 1e-1, qkNorm: false }, { zLoss: { atMost: 0 }, clip: 0.5 }],
  };
  assertEquals(columns(given, "lr", "qkNorm", "clip", "zLoss"), [
    [1e-3, false, 1, 0],
    [1e-3, true, 1, 0],
    [1e-2, true, 0.5, 1e-4],
    [1e-1, true, 0.5, 1e-4],
  ]);
});

Deno.test("expandSweep() returns unique runs", () => {
  const given = { axes: { lr: [1e-3, 1e-2] }, when: [{ if: { T: 16 }, set: { lr: 5e-3 } }] };
  assertEquals(columns(given, "lr"), [[5e-3]]);
});

Deno.test("expansionOf() notes combinations and runs that repeat others", () => {
  const notesOf = (given: object) =>
    expansionOf(parseSweepSpec({ ...ONE, ...given }, "the test"), { data: "text.txt", threads: 1 }).notes;
  assertEquals(notesOf({ seeds: [1, 2], axes: { lr: [1e-3, 2e-3] } }), []);
  assertEquals(notesOf({ seeds: [1, 2], when: [{ if: { seed: 2 }, set: { seed: 1 } }] }), [
    "1 of 2 combinations of the axes is equal to another one because of conditions, and is not repeated",
  ]);
  assertEquals(notesOf({ axes: { optimizer: ["adamw", "sgd"], beta1: [0.8, 0.9, 0.95] } }), [
    "2 of 6 runs repeat another one: beta1 has no effect with the optimizer sgd",
  ]);
});

Deno.test("parseSweepSpec() limits evaluations in bytes for several tokenizers, in bytes or tokens for one", () => {
  const limits = ({ evalTokens, evalBytes }: ReturnType<typeof parseSweepSpec>) => [evalBytes, evalTokens];
  const { evalBytes: _evalBytes, ...spec } = ONE;
  assertEquals(limits(parseSweepSpec(spec, "x")), [16384, "all"]);
  assertEquals(limits(parseSweepSpec({ ...spec, evalBytes: 4096 }, "x")), [4096, "all"]);
  assertEquals(limits(parseSweepSpec({ ...spec, evalTokens: 4096 }, "x")), ["all", 4096]);
  assertEquals(limits(parseSweepSpec({ ...spec, evalTokens: "all" }, "x")), ["all", "all"]);
  const several = { ...spec, vocab: ["character", "bpe:300"] };
  assertEquals(limits(parseSweepSpec({ ...several, evalBytes: "all" }, "x")), ["all", "all"]);
  assertThrows(
    () => parseSweepSpec({ ...several, evalTokens: 4096 }, "x"),
    UserError,
    "expected evalBytes with 2 tokenizers, got evalTokens",
  );
});

Deno.test("expandSweep() adds perturbed float32 runs to settings with a lower precision", () => {
  const perturbed = (fields: object) =>
    expandSweep(parseSweepSpec({ ...ONE, ...fields }, "the test"), { data: "x", threads: 1 })
      .filter(isPerturbed)
      .map((run) => [run.policy, run.overrides.length, run.seed, perturbationOf(run), run.lr]);
  const pair = { policy: ["float32", "bf16-autocast"], seeds: [4, 7], lr: 1e-3 };
  assertEquals(perturbed({ ...pair, floor: 0 }), []);
  assertEquals(perturbed({ ...pair, floor: 3 }), [
    ["float32", 0, 4, "noise 1", 1e-3],
    ["float32", 0, 7, "order 1", 1e-3],
    ["float32", 0, 4, "noise 2", 1e-3],
  ]);
  assertEquals(perturbed({ ...pair, seeds: [4], floor: 2 }).map((run) => run[3]), ["noise 1", "order 2"]);
  const { lr: _lr, ...rest } = pair;
  const axes = { lr: [1e-3, 2e-3] };
  const exclude = [{ policy: "bf16-autocast", lr: 2e-3 }];
  assertEquals(perturbed({ ...rest, axes, exclude, floor: 1 }), [["float32", 0, 4, "noise 1", 1e-3]]);
  assertEquals(perturbed({ ...pair, policy: ["float32"], floor: 2 }), []);
});

Deno.test("expandSweep() derives steps from a budget of steps, tokens or operations", () => {
  assertEquals(columns({ budget: { steps: 7 } }, "steps"), [[7]]);
  const axes = { tokensPerStep: [64, 128] };
  const { tokensPerStep: _tokens, ...rest } = ONE;
  const by = (budget: object) =>
    expandSweep(parseSweepSpec({ ...rest, axes, budget }, "the test"), {
      data: "text.txt",
      threads: 1,
      vocabSize: () => 30,
    });
  assertEquals(by({ tokens: 6400 }).map(({ B, T, steps }) => [B * T, steps]), [[64, 100], [128, 50]]);
  for (const run of by({ flops: 1e9 })) {
    const perStep = flopsPerToken(modelOf(run, 30), run.T) * run.B * run.T;
    assert(run.steps * perStep <= 1e9 && (run.steps + 1) * perStep > 1e9, `${run.steps} steps of ${perStep}`);
  }
  // A vocabulary twice as large costs more per step, so the budget gives fewer steps.
  const [small] = runsOf({ budget: { flops: 1e9 } }, 30), [large] = runsOf({ budget: { flops: 1e9 } }, 3000);
  assert(small!.steps > large!.steps);
});

Deno.test("expandSweep() refuses a run that contradicts itself for its vocabulary", () => {
  const spec = parseSweepSpec({ ...ONE, budget: { flops: 1e9 }, warmupSteps: 20 }, "the test");
  assertThrows(
    () => expandSweep(spec, { data: "text.txt", threads: 1, vocabSize: () => 50_000 }),
    UserError,
    "expected warmupSteps to be below steps",
  );
});

const WRONG: [name: string, given: object, told: string][] = [
  [
    "an unknown field",
    { axes: { lrr: [1] } },
    "axes: unknown field lrr (did you mean lr?). The fields of a run are",
  ],
  ["a sweep's own field as an axis", { axes: { name: ["a"] } }, "unknown field name"],
  ["a number that JSON lacks", { lr: Infinity }, "got Infinity"],
  [
    "a value of an axis twice",
    { axes: { lr: [1e-3, 2e-3, 0.001] } },
    "expected axes.lr not to repeat a value, got 0.001",
  ],
  [
    "a zipped row twice",
    { zip: [{ lr: [1, 2, 1], clip: [1, 1, 1] }] },
    "expected zip.0 not to repeat a value",
  ],
  [
    "a list of axes",
    { axes: [] as unknown as Record<string, never> },
    "expected axes to be an object, got []",
  ],
  ["no values", { axes: { lr: [] } }, "expected axes.lr to have at least one value"],
  ["a value out of range", { axes: { lr: [1e-3, -1] } }, "expected axes.lr.1 to be above 0, got -1"],
  ["a policy that there is not", { axes: { lr: [1] }, zip: [{ policy: ["fp4"] }] }, "both set policy"],
  ["an axis given twice", { axes: { lr: [1e-3] }, zip: [{ lr: [1e-3] }] }, "zip.0 and axes both set lr"],
  ["an axis of a field that is given", { lr: 1e-3, axes: { lr: [1e-3] } }, "axes and lr both set lr"],
  ["a list and an axis", { axes: { T: [8] } }, "axes and seq both set T"],
  ["lists of two lengths", { zip: [{ lr: [1e-3], clip: [1, 2] }] }, "lists of equal length"],
  ["a zip of nothing", { zip: [{}] }, "to name a field"],
  ["B", { axes: { B: [1] } }, "B follows from tokensPerStep and T"],
  ["a condition of an unknown field", { exclude: [{ size: 3 }] }, "exclude.0: unknown field size"],
  ["a condition of nothing", { exclude: [{}] }, "to name a field"],
  ["a set value of the wrong kind", { when: [{ if: { T: 16 }, set: { lr: "fast" } }] }, "when.0.set.lr"],
  ["a when without set", { when: [{ if: { T: 16 } }] }, "when.0.set"],
  ["no run left", { exclude: [{ T: 16 }] }, "expected exclude to leave at least one run"],
  [
    "a condition of a value that no run has",
    { when: [{ if: { seed: 3 }, set: { lr: 1e-2 } }] },
    'expected conditions of when to have values of runs, got seed 3 in {"seed":3}. The runs have seed 1',
  ],
  [
    "a condition of another type than the runs' values",
    { when: [{ if: { seed: "1" }, set: { lr: 1e-2 } }] },
    'expected conditions of when to have values of runs, got seed "1" in {"seed":"1"}. The runs have seed 1',
  ],
  [
    "a condition of several values, one of which no run has",
    { exclude: [{ lr: [1e-3, 5], T: 8 }], axes: { lr: [1e-3, 1e-2] } },
    'expected conditions of exclude to have values of runs, got lr 5 in {"lr":[0.001,5],"T":8}. The runs have lr 0.001, 0.01',
  ],
  [
    "a condition of an empty list",
    { exclude: [{ T: [] }] },
    "expected conditions of exclude to have values of runs, got T [] in",
  ],
  [
    "a range without a run",
    { exclude: [{ T: { atLeast: 100 } }] },
    'expected conditions of exclude to match runs, got {"T":{"atLeast":100}}, which matches none. The runs have T 16',
  ],
  [
    "a combination of values that no run has",
    { exclude: [{ lr: 1, clip: 2 }], zip: [{ lr: [1, 2], clip: [1, 2] }] },
    "which matches none. The runs have lr 1, 2; clip 1, 2",
  ],
  [
    "a condition on steps that follow from the budget",
    { budget: { tokens: 400 }, when: [{ if: { steps: { atLeast: 1 } }, set: { lr: 1 } }] },
    "when.0.if: steps follow from budget",
  ],
  [
    "steps that the budget replaces",
    { budget: { tokens: 400 }, when: [{ if: { T: 16 }, set: { steps: 3 } }] },
    "when.0.set and budget both set steps",
  ],
  [
    "an axis without effect",
    { optimizer: "sgd", axes: { beta1: [0.8, 0.9] } },
    "beta1 has no effect with the optimizer sgd",
  ],
  [
    "an override of a class that its layer lacks",
    { overrides: [{ layers: ["embedding"], opClasses: ["softmax"], format: "float32" }] },
    "expected opClasses of overrides in embedding to be among residual, optimizer, got softmax",
  ],
  [
    "an override of an unknown class",
    { axes: { overrides: [[{ opClasses: ["soft"], format: "float32" }]] } },
    "expected an operation class (linear, ",
  ],
  ["two budgets", { budget: { steps: 3, tokens: 4 } }, "one of steps, tokens and flops"],
  ["no budget", { budget: {} }, "one of steps, tokens and flops"],
  ["a budget and steps", { budget: { tokens: 4 }, steps: 3 }, "got both"],
  ["steps as an axis and a budget", { budget: { tokens: 4 }, axes: { steps: [1] } }, "both set steps"],
  ["a budget below nothing", { budget: { flops: -1 } }, "to be above 0"],
  ["a run that contradicts itself", { axes: { minLr: [1e-5, 1] } }, "(in the run with minLr 1)"],
  ["a T that does not divide", { zip: [{ tokensPerStep: [60] }], seq: [16] }, "both set tokensPerStep"],
  ["more runs than anyone wants", {
    axes: Object.fromEntries(["lr", "clip", "zLoss", "eps", "initStd"].map((field) => [
      field,
      Array.from({ length: 10 }, (_, i) => 1e-3 * (i + 1)),
    ])),
  }, "at most 20000 runs, got 100000"],
  ["layers that would only be waited for", { nLayer: 1e12 }, "to be at most 1000"],
  [
    "an axis that schemas pass over",
    JSON.parse('{"axes":{"__proto__":[1]}}'),
    "axes: unknown field __proto__",
  ],
  [
    "a condition that schemas pass over",
    { exclude: [{ constructor: 1 }] },
    "exclude: 0: unknown field constructor",
  ],
  ["a field that every object has", JSON.parse('{"__proto__":1}'), "unknown field __proto__"],
  ["axes that are no record", { axes: [1] }, "axes"],
];

Deno.test("minLr is a tenth of each run's lr unless it is set", () => {
  assertEquals(columns({ lr: 1e-5 }, "lr", "minLr"), [[1e-5, 1e-5 / 10]]);
  assertEquals(columns({ axes: { lr: [1e-5, 2] } }, "lr", "minLr"), [[1e-5, 1e-5 / 10], [2, 0.2]]);
  assertEquals(columns({ lr: 1, minLr: 0 }, "lr", "minLr"), [[1, 0]]);
  assertEquals(columns({}, "lr", "minLr"), [[1e-3, 1e-4]]);
});

Deno.test("parseSweepSpec() bounds every number", () => {
  const numbers = ["steps", "tokensPerStep", "nLayer", "nHead", "nEmbd", "lr", "minLr", "warmupSteps", "eps"];
  const more = ["weightDecay", "clip", "evalEvery", "checkpointEvery", "initStd", "layerNormEps", "zLoss"];
  for (
    const field of [...numbers, ...more, "accumulate", "patience", "probeEvery", "dropout", "evalTokens"]
  ) {
    for (const value of [-1, 1e308, NaN, Infinity, "0x10", "", null]) {
      assertThrows(
        () => parseSweepSpec({ ...ONE, [field]: value }, "the test"),
        UserError,
        `expected ${field} `,
      );
    }
  }
  assertThrows(
    () => parseSweepSpec({ ...ONE, budget: { tokens: 1e29 } }, "the test"),
    UserError,
    "expected steps to be at most",
  );
});

Deno.test("parseSweepSpec() names axes if a field of a run is a list", () => {
  for (
    const [field, kind] of [["lr", "a number"], ["steps", "a whole number"], [
      "qkNorm",
      "true or false",
    ]] as const
  ) {
    assertThrows(
      () => parseSweepSpec({ ...ONE, [field]: [1, 2] }, "the test"),
      UserError,
      `Cannot use the test: expected ${field} to be ${kind}, got [1,2]. List several values in axes: ` +
        `{"axes": {"${field}": [...]}}`,
    );
  }
});

Deno.test("parseSweepSpec() refuses a cyclic spec", () => {
  const axes: Record<string, unknown> = {};
  axes["a"] = axes;
  assertThrows(() => parseSweepSpec({ axes }, "the test"), UserError, "expected nesting without cycles");
});

Deno.test("parseSweepSpec() refuses ranges with other bounds than numbers", () => {
  for (const bound of [{ toString: 1 }, "3", null, true]) {
    const exclude = [{ T: { atLeast: bound } }];
    assertThrows(() => parseSweepSpec({ ...ONE, exclude }, "x"), UserError, "to have numbers in atLeast");
  }
});

Deno.test("parseSweepSpec() refuses axes, conditions and budgets that are invalid", async (t) => {
  for (const [name, given, told] of WRONG) {
    await t.step(name, () => {
      const error = assertThrows(() => parseSweepSpec({ ...ONE, ...given }, "the test"), UserError);
      assertStringIncludes(error.message, told);
    });
  }
});

Deno.test("parseSweepSpec() has one sentence for a contradiction of the model", () => {
  const { message } = assertThrows(
    () => parseSweepSpec({ ...ONE, nHead: 3, nEmbd: 16 }, "the command line"),
    UserError,
  );
  assertEquals(
    message,
    "Cannot use the command line: expected nEmbd to be a multiple of nHead, got nEmbd 16 and nHead 3",
  );
});

Deno.test("parseSweepSpec() refuses a field without effect unless some run uses it", () => {
  const axes = { optimizer: ["adamw", "sgd"] };
  assertEquals(columns({ beta1: 0.8, axes }, "optimizer", "beta1"), [["adamw", 0.8], ["sgd", 0.8]]);
  assertThrows(() => parseSweepSpec({ ...ONE, beta1: 0.8, optimizer: "sgd" }, "x"), UserError, "no effect");
});

Deno.test("overrides of operands are completed, so that a precision has one form, in fields, axes and conditions", () => {
  const short = [{ opClasses: ["linear"], operands: ["wgrad"], format: "mxfp4-stochastic" }];
  const full = [{ opClasses: ["linear"], operands: ["wgrad"], format: "e2m1fn-stochastic", scaling: "mx" }];
  assertEquals(columns({ overrides: short }, "overrides"), [[full]]);
  assertEquals(columns({ axes: { overrides: [[], short] } }, "overrides"), [[[]], [full]]);
  const when = [{ if: { seed: [1] }, set: { overrides: short } }];
  assertEquals(columns({ when }, "overrides"), [[full]]);
  assertEquals(columns({ policy: ["nvfp4+stochastic", "emulated:e4m7/tensor"] }, "policy"), [
    ["nvfp4+stochastic"],
    ["emulated:e4m7/tensor"],
  ]);
  const wrong: [given: object, message: string][] = [
    [{ overrides: [{ opClasses: ["linear"], operands: ["z"], format: "e5m2" }] }, 'no operand "z"'],
    [{ overrides: [{ format: "mxfp8" }] }, "the class linear only"],
    [
      { overrides: [{ opClasses: ["linear"], format: "e5m2", scaling: "block" }] },
      "expected tensor, row, mx",
    ],
    [{ overrides: [{ opClasses: ["linear"], format: "e5m2", scale: "mx" }] }, "scale"],
    [{ policy: ["mxfp8+fast"] }, "got +fast"],
  ];
  for (const [given, message] of wrong) {
    assertStringIncludes(assertThrows(() => runsOf(given), UserError).message, message);
  }
});
