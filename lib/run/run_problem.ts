/**
 * What contradicts itself in a single run's spec.
 *
 * @module
 */
import { type Activation, type GptConfig, validateGptConfig } from "../model/mod.ts";
import { overridesProblem } from "../precision/mod.ts";
import type { RunSpec } from "../record/mod.ts";

/** The most steps of a run. */
export const MAX_STEPS = 1e9;

/** What does not fit in a run, in words; undefined: all does. */
export function runProblem(run: RunSpec): string | undefined {
  return sizesProblem(run) ?? trainingProblem(run) ?? modelProblem(run) ??
    overridesProblem(run.overrides, run.nLayer);
}

function sizesProblem({ B, T, accumulate, evalTokens, documents, separator }: RunSpec): string | undefined {
  if (separator !== "" && documents === "join") {
    return `separator needs documents separate: it is ${JSON.stringify(separator)}, documents is join`;
  }
  if (!Number.isInteger(B)) {
    return `tokensPerStep must be a multiple of every T in seq: it is ${Math.round(B * T)}, T is ${T}`;
  }
  if (B % accumulate !== 0) {
    return `accumulate must divide the B sequences of a step: it is ${accumulate}, B is ${B} with T ${T}`;
  }
  if (evalTokens !== "all" && evalTokens < T) {
    return `evalTokens must be at least every T in seq, or all: it is ${evalTokens}, T is ${T}`;
  }
  return undefined;
}

function trainingProblem(run: RunSpec): string | undefined {
  const { steps, warmupSteps, decaySteps, schedule, optimizer } = run;
  if (steps > MAX_STEPS) return `steps must be at most ${MAX_STEPS}: the budget makes ${steps}`;
  if (warmupSteps >= steps && warmupSteps > 0) {
    return `warmupSteps must be below steps (${steps}): it is ${warmupSteps}`;
  }
  if (run.minLr > run.lr && schedule !== "constant") {
    return `minLr must be at most lr (${run.lr}): it is ${run.minLr}`;
  }
  if (schedule !== "wsd" && decaySteps > 0) {
    return `decaySteps is of the schedule wsd: it is ${decaySteps}, the schedule is ${schedule}`;
  }
  if (schedule === "wsd" && (decaySteps < 1 || decaySteps > steps - warmupSteps)) {
    return `decaySteps must be at least 1 and at most what warm-up leaves of steps (${
      steps - warmupSteps
    }) with the schedule wsd: it is ${decaySteps}`;
  }
  if (optimizer === "adamw" && (run.momentum > 0 || run.nesterov)) {
    return "momentum and nesterov are of the optimizer sgd: the optimizer is adamw";
  }
  if (run.probeEvery > 0 && run.accumulate > 1) {
    return `probes need a step's whole batch, accumulate 1: it is ${run.accumulate}`;
  }
  if (run.nesterov && run.momentum === 0) return "nesterov needs a momentum above 0: it is 0";
  if (run.minDelta > 0 && run.patience === 0 && !run.saveBest) {
    return "minDelta needs a patience above 0, or saveBest: without them no evaluation is compared";
  }
  return undefined;
}

function modelProblem(run: RunSpec): string | undefined {
  try {
    validateGptConfig(modelOf(run, 2));
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

/** The fields that have no effect in a run, with the reason; to be refused where a user gave them. */
export function uselessFields({ schedule, optimizer }: RunSpec): Readonly<Record<string, string>> {
  return {
    ...(schedule === "constant" && { minLr: "has no use with the schedule constant" }),
    ...(optimizer === "sgd" && Object.fromEntries(
      ["beta1", "beta2", "eps"].map((field) => [field, "has no use with the optimizer sgd"]),
    )),
  };
}

/** The model of a run, a bound of 0 being none. */
export function modelOf(run: RunSpec, vocabSize: number): GptConfig {
  const { nLayer, nHead, nEmbd, bias, tiedHead, dropout, qkNorm, initStd, layerNormEps } = run;
  return {
    ...{ nLayer, nHead, nEmbd, bias, tiedHead, dropout, qkNorm, initStd, layerNormEps },
    logitSoftCap: run.logitSoftCap || undefined,
    attentionSoftCap: run.attentionSoftCap || undefined,
    activation: run.activation as Activation, // checked with the spec, before it became a run's
    vocabSize,
    blockSize: run.T,
  };
}
