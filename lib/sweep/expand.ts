/**
 * From a spec to its runs.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { flopsPerToken } from "../model/mod.ts";
import { canonicalJson, type RunSpec } from "../record/mod.ts";
import type { TokenizerName } from "../text/mod.ts";
import { type Dimension, dimension, type FieldValue, matches, product, zipped } from "./axes.ts";
import { modelOf, runProblem } from "../run/run_problem.ts";
import { type Budget, type LISTED, type SweepSpec, tokenizerOf } from "./spec.ts";

/** Runs of one sweep at most: more are a slip of the hand. */
const MAX_RUNS = 20_000;

/** What an error of a spec ends in. */
export type Refuse = (reason: string) => never;

/** What all runs of a plan have alike, and what steps follow from where a budget counts operations. */
export interface PlanFacts {
  /** The corpus's name. */
  readonly data: string;
  /** Threads of every run. */
  readonly threads: number;
  /** V of a tokenizer; needed for a budget of operations. */
  readonly vocabSize?: ((tokenizer: TokenizerName) => number) | undefined;
}

/**
 * The runs of a spec, each once, pairs of policies side by side.
 *
 * @param spec Checked.
 * @param fixed What all runs have alike.
 * @throws {UserError} when a run contradicts itself, as it may once its vocabulary is known.
 */
export function expandSweep(spec: SweepSpec, fixed: PlanFacts): RunSpec[] {
  return runsOf(spec, fixed, (reason) => {
    throw new UserError(`Cannot plan the sweep ${spec.name}: ${reason}`);
  });
}

/** The same, with the error that a contradiction ends in. */
export function runsOf(spec: SweepSpec, fixed: PlanFacts, refuse: Refuse): RunSpec[] {
  const { name: _name, axes, zip, when, exclude, budget, seq, policy, vocab, seeds, ...shared } = spec;
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
  if (count > MAX_RUNS) refuse(`its axes make ${count} runs: wanted at most ${MAX_RUNS}`);
  const runs = new Map<string, RunSpec>();
  for (const values of product(dimensions)) {
    // Checked field by field; the compiler cannot see it.
    let point = { ...shared, ...fixedFields(fixed), ...values } as unknown as Point;
    for (const { if: wanted, set } of when) {
      if (matches({ ...point, B: point.tokensPerStep / point.T }, wanted)) point = { ...point, ...set };
    }
    const { tokensPerStep, ...rest } = point;
    const run: RunSpec = { ...rest, minLr: rest.minLr ?? rest.lr / 10, B: tokensPerStep / point.T };
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
  if (runs.size === 0) refuse("exclude leaves no run");
  return [...runs.values()];
}

/** A run before its batch follows from its tokens a step, and its last learning rate from its first. */
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
  if (V === undefined) throw new TypeError("Cannot expand a budget of operations: vocabSize is not given");
  return Math.max(1, Math.floor(budget.flops / (flopsPerToken(modelOf(run, V), run.T) * tokens)));
}

/** What has a run pass the checks that its steps take part in, so that its model is looked at alone. */
const NO_STEPS = { warmupSteps: 0, decaySteps: 0, schedule: "cosine" } as const;
