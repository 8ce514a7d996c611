/**
 * Expands a spec into its runs.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { flopsPerToken } from "../model/mod.ts";
import { completeOverride } from "../precision/mod.ts";
import { canonicalJson, type RunSpec, varyingFields } from "../record/mod.ts";
import type { TokenizerName } from "../text/mod.ts";
import { type Dimension, dimension, type FieldValue, product, zipped } from "./axes.ts";
import { modelOf } from "../run/model_of.ts";
import { runProblem, uselessFields } from "../run/run_problem.ts";
import { CheckedCondition } from "./conditions.ts";
import { perturbedRuns } from "./perturbed_runs.ts";
import { type Budget, type LISTED, type SweepSpec, tokenizerOf } from "./spec.ts";

/** Maximum number of runs in a sweep. Larger counts are probably mistakes. */
const MAX_RUNS = 20_000;

/** Callback that throws an error with the reason why a spec is invalid. */
export type Refuse = (reason: string) => never;

/**
 * Values that are the same for all runs of a plan, and the vocabulary sizes that a budget of floating-point operations
 * requires.
 */
export interface PlanFacts {
  /** Name or path of the corpus. */
  readonly data: string;
  /** Threads per run. */
  readonly threads: number;
  /** Returns the vocabulary size (V) of a tokenizer. Required if the spec's budget is in floating-point operations. */
  readonly vocabSize?: ((tokenizer: TokenizerName) => number) | undefined;
}

/**
 * Expands a spec into its runs, without duplicates. The perturbed runs, which measure the noise floor, come last.
 *
 * @param spec A validated spec.
 * @param fixed Values that are the same for all runs.
 * @throws {UserError} If the values of a run contradict each other, or `exclude` leaves no run.
 */
export function expandSweep(spec: SweepSpec, fixed: PlanFacts): RunSpec[] {
  return expansionOf(spec, fixed).runs;
}

/** Runs of a spec, and notes about combinations that repeat another run. */
export interface Expansion {
  readonly runs: RunSpec[];
  readonly notes: readonly string[];
}

/**
 * Expands a spec into its runs like {@linkcode expandSweep}, with notes about combinations that repeat another run.
 *
 * @throws {UserError} If the values of a run contradict each other, `exclude` leaves no run, or a condition matches no
 * run.
 */
export function expansionOf(spec: SweepSpec, fixed: PlanFacts): Expansion {
  return expand(spec, fixed, (reason) => {
    throw new UserError(`Cannot plan the sweep ${spec.name}: ${reason}`);
  });
}

/** Expands a spec into its runs like {@linkcode expansionOf}, but reports problems through `refuse`. */
export function expand(spec: SweepSpec, fixed: PlanFacts, refuse: Refuse): Expansion {
  const { name: _name, axes, zip, when, exclude, budget, floor, seq, policy, vocab, seeds, ...shared } = spec;
  const given = new Set([axes, ...zip].flatMap((one) => Object.keys(one)));
  const lists: Record<keyof typeof LISTED, readonly FieldValue[]> = {
    tokenizer: vocab,
    T: seq,
    seed: seeds,
    policy,
  };
  const dimensions: Dimension[] = [
    ...Object.entries(axes).map(([field, values]) => dimension(field, values)),
    ...zip.map(zipped),
    ...Object.entries(lists).filter(([field]) => !given.has(field)).map(([field, values]) =>
      dimension(field, values)
    ),
  ];
  const count = dimensions.reduce((total, { length }) => total * length, 1);
  if (count > MAX_RUNS) refuse(`expected axes of at most ${MAX_RUNS} runs, got ${count}`);
  const runs = new Map<string, RunSpec>();
  const conditional = when.map(({ if: wanted, set }) => ({
    condition: new CheckedCondition("when", wanted),
    set,
  }));
  const excluding = exclude.map((wanted) => new CheckedCondition("exclude", wanted));
  let combinations = 0;
  for (const values of product(dimensions)) {
    // The schema has checked each field; the type cannot express this.
    let point = { ...shared, ...fixedFields(fixed), ...values } as unknown as Point;
    for (const { condition, set } of conditional) {
      if (condition.matches({ ...point, B: point.tokensPerStep / point.T })) point = { ...point, ...set };
    }
    const { tokensPerStep, ...rest } = point;
    const run: RunSpec = {
      ...rest,
      overrides: rest.overrides.map(completeOverride), // those of axes and conditions too
      minLr: rest.minLr ?? rest.lr / 10,
      B: tokensPerStep / point.T,
    };
    const steps = stepsOf(run, { budget, fixed });
    const planned = { ...run, steps };
    if (excluding.filter((one) => one.matches({ ...planned, tokensPerStep })).length > 0) continue;
    combinations++;
    const problem = runProblem(planned);
    if (problem !== undefined) {
      const which = [...given].map((field) => `${field} ${JSON.stringify(values[field])}`).join(", ");
      refuse(which === "" ? problem : `${problem} (in the run with ${which})`);
    }
    runs.set(canonicalJson(planned), planned);
  }
  for (const condition of [...conditional.map(({ condition }) => condition), ...excluding]) {
    const problem = condition.problem();
    if (problem !== undefined) refuse(problem);
  }
  if (runs.size === 0) refuse("expected exclude to leave at least one run, got none");
  return {
    runs: [...runs.values(), ...perturbedRuns([...runs.values()], floor)],
    notes: [...duplicateNotes(combinations, runs.size), ...uselessNotes([...runs.values()])],
  };
}

function duplicateNotes(combinations: number, runs: number): string[] {
  const equal = combinations - runs;
  if (equal === 0) return [];
  const are = equal === 1 ? "is" : "are";
  return [
    `${equal} of ${combinations} combinations of the axes ${are} equal to another one because of conditions, and ${are} not repeated`,
  ];
}

/** Returns a note about runs that differ in fields without effect only, so that their losses are equal. */
function uselessNotes(runs: readonly RunSpec[]): string[] {
  const without = (run: RunSpec) => {
    const useless = uselessFields(run);
    return canonicalJson(
      Object.fromEntries(Object.entries(run).filter(([field]) => !Object.hasOwn(useless, field))),
    );
  };
  const alike = [...Map.groupBy(runs, without).values()].filter(({ length }) => length > 1);
  if (alike.length === 0) return [];
  const whys = alike.flatMap(([first, ...others]) =>
    Object.entries(uselessFields(first!))
      .filter(([field]) => varyingFields([first!, ...others]).some((one) => one === field))
      .map(([field, why]) => `${field} ${why}`)
  );
  const count = alike.reduce((sum, { length }) => sum + length - 1, 0);
  return [`${count} of ${runs.length} runs repeat another one: ${[...new Set(whys)].join(", ")}`];
}

/** A run whose batch size and final learning rate are not derived yet. */
type Point = Omit<RunSpec, "B" | "minLr"> & { tokensPerStep: number; minLr: number | undefined };

function fixedFields({ data, threads }: PlanFacts): { data: string; threads: number } {
  return { data, threads };
}

function stepsOf(run: RunSpec, { budget, fixed }: { budget: Budget | undefined; fixed: PlanFacts }): number {
  const tokens = run.B * run.T;
  if (budget?.steps !== undefined) return budget.steps;
  if (budget?.tokens !== undefined) return Math.max(1, Math.round(budget.tokens / tokens));
  if (budget?.flops === undefined || runProblem({ ...run, ...NO_STEPS }) !== undefined) return run.steps;
  const V = fixed.vocabSize?.(tokenizerOf(run));
  if (V === undefined) {
    throw new TypeError("Cannot expand a budget of operations: expected vocabSize, got undefined");
  }
  return Math.max(1, Math.floor(budget.flops / (flopsPerToken(modelOf(run, V), run.T) * tokens)));
}

/** Replacements that pass all checks of steps, so that only the model is checked. */
const NO_STEPS = { warmupSteps: 0, decaySteps: 0, schedule: "cosine" } as const;
