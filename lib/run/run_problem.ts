/**
 * Checks of a run's spec for contradictions between fields.
 *
 * @module
 */
import { parameterShapes, validateGptConfig } from "../model/mod.ts";
import { modelOf } from "./model_of.ts";
import { contentHash } from "../options/content_name.ts";
import { overridesProblem } from "../precision/mod.ts";
import type { RunSpec } from "../record/mod.ts";

/** Maximum number of steps of a run. */
export const MAX_STEPS = 1e9;

/**
 * Describes the first contradiction between fields of a run's spec, as `expected …, got …`. Returns undefined if there
 * is none.
 */
export function runProblem(run: RunSpec): string | undefined {
  return sizesProblem(run) ?? trainingProblem(run) ?? modelProblem(run) ??
    precisionProblem(run);
}

/** The problem always names the field, because its parts, such as formats and operands, are not fields of a run. */
function precisionProblem({ overrides, nLayer }: RunSpec): string | undefined {
  const problem = overridesProblem(overrides, nLayer);
  return problem === undefined || /\boverrides\b/.test(problem) ? problem : `overrides: ${problem}`;
}

function sizesProblem(
  { B, T, accumulate, evalBytes, evalTokens, documents, separator }: RunSpec,
): string | undefined {
  if (separator !== "" && documents === "join") {
    return `expected documents separate with a separator, got documents join and separator ${
      JSON.stringify(separator)
    }`;
  }
  if (!Number.isInteger(B)) {
    return `expected tokensPerStep to be a multiple of every T in seq, got ${Math.round(B * T)} with T ${T}`;
  }
  if (B % accumulate !== 0) {
    return `expected accumulate to divide the batch size, got ${accumulate} with B ${B} and T ${T}`;
  }
  if (evalTokens !== "all" && evalTokens < T) {
    return `expected evalTokens to be at least every T in seq, or all, got ${evalTokens} with T ${T}`;
  }
  if (evalBytes !== "all" && evalBytes < T) {
    return `expected evalBytes to be at least every T in seq, or all, got ${evalBytes} with T ${T}`;
  }
  return undefined;
}

function trainingProblem(run: RunSpec): string | undefined {
  const { steps, warmupSteps, decaySteps, schedule, optimizer } = run;
  if (steps > MAX_STEPS) return `expected steps to be at most ${MAX_STEPS}, got ${steps} from the budget`;
  if (warmupSteps >= steps && warmupSteps > 0) {
    return `expected warmupSteps to be below steps (${steps}), got ${warmupSteps}`;
  }
  const isBuiltIn = contentHash(schedule) === undefined;
  if (run.minLr > run.lr && schedule !== "constant" && isBuiltIn) {
    return `expected minLr to be at most lr (${run.lr}), got ${run.minLr}`;
  }
  if (schedule !== "wsd" && decaySteps > 0 && isBuiltIn) {
    return `expected the schedule wsd with decaySteps, got ${schedule} with decaySteps ${decaySteps}`;
  }
  if (schedule === "wsd" && (decaySteps < 1 || decaySteps > steps - warmupSteps)) {
    return `expected decaySteps to be at least 1 and at most the steps after warm-up (${
      steps - warmupSteps
    }) with the schedule wsd, got ${decaySteps}`;
  }
  if ((optimizer === "adamw" || optimizer === "muon") && (run.momentum > 0 || run.nesterov)) {
    return `expected the optimizer sgd with momentum or nesterov, got ${optimizer}`;
  }
  if (run.probeEvery > 0 && run.accumulate > 1) {
    return `expected accumulate to be 1 with probes, got ${run.accumulate}`;
  }
  if (run.nesterov && run.momentum === 0) return "expected momentum to be above 0 with nesterov, got 0";
  if (run.minDelta > 0 && run.patience === 0 && !run.saveBest) {
    return "expected patience above 0 or saveBest with minDelta, got neither";
  }
  return undefined;
}

function modelProblem(run: RunSpec): string | undefined {
  try {
    const model = modelOf(run, 2);
    validateGptConfig(model);
    if (model.architecture !== undefined) parameterShapes(model);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

/**
 * Returns the fields that have no effect in a run, with the reason by field. A spec that sets such a field is refused.
 */
export function uselessFields({ schedule, optimizer }: RunSpec): Readonly<Record<string, string>> {
  return {
    ...(schedule === "constant" && { minLr: "has no effect with the schedule constant" }),
    ...(optimizer !== "muon" && Object.fromEntries(
      ["muonLr", "muonMomentum", "nsDtype"].map((
        field,
      ) => [field, "has no effect without the optimizer muon"]),
    )),
    ...(optimizer === "sgd" && Object.fromEntries(
      ["beta1", "beta2", "eps"].map((field) => [field, "has no effect with the optimizer sgd"]),
    )),
  };
}
