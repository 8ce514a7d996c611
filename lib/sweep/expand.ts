/**
 * Expands a spec into its runs.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { flopsPerToken } from "../model/mod.ts";
import { completeOverride } from "../precision/mod.ts";
import { canonicalJson, type RunSpec } from "../record/mod.ts";
import type { TokenizerName } from "../text/mod.ts";
import { type Dimension, dimension, type FieldValue, matches, product, zipped } from "./axes.ts";
import { modelOf } from "../run/model_of.ts";
import { runProblem } from "../run/run_problem.ts";
import { perturbedRuns } from "./perturbed_runs.ts";
import { type Budget, type LISTED, type SweepSpec, tokenizerOf } from "./spec.ts";

/** Maximum number of runs in a sweep. Larger counts are probably mistakes. */
const MAX_RUNS = 20_000;

/** Throws the error of an invalid spec. */
export type Refuse = (reason: string) => never;

/** Values that all runs of a plan share, and vocabulary sizes for budgets in floating-point operations. */
export interface PlanFacts {
  /** Name of the corpus. */
  readonly data: string;
  /** Threads per run. */
  readonly threads: number;
  /** Returns V of a tokenizer. Required for a budget of floating-point operations. */
  readonly vocabSize?: ((tokenizer: TokenizerName) => number) | undefined;
}

/**
 * Expands a spec into unique runs. Paired runs are adjacent. Perturbed runs for the noise floor follow.
 *
 * @param spec A checked spec.
 * @param fixed Values that all runs share.
 * @throws {UserError} If a run contradicts itself. This can depend on the vocabulary size.
 */
export function expandSweep(spec: SweepSpec, fixed: PlanFacts): RunSpec[] {
  return runsOf(spec, fixed, (reason) => {
    throw new UserError(`Cannot plan the sweep ${spec.name}: ${reason}`);
  });
}

/** Expands a spec into unique runs, and reports contradictions through `refuse`. */
export function runsOf(spec: SweepSpec, fixed: PlanFacts, refuse: Refuse): RunSpec[] {
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
  for (const values of product(dimensions)) {
    // The schema has checked each field; the type cannot express this.
    let point = { ...shared, ...fixedFields(fixed), ...values } as unknown as Point;
    for (const { if: wanted, set } of when) {
      if (matches({ ...point, B: point.tokensPerStep / point.T }, wanted)) point = { ...point, ...set };
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
    if (exclude.some((wanted) => matches({ ...planned, tokensPerStep }, wanted))) continue;
    const problem = runProblem(planned);
    if (problem !== undefined) {
      const which = [...given].map((field) => `${field} ${JSON.stringify(values[field])}`).join(", ");
      refuse(which === "" ? problem : `${problem} (in the run with ${which})`);
    }
    runs.set(canonicalJson(planned), planned);
  }
  if (runs.size === 0) refuse("expected exclude to leave at least one run, got none");
  return [...runs.values(), ...perturbedRuns([...runs.values()], floor)];
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
