/**
 * Synthetic run folders, written by the real record code, for tests of readers.
 *
 * @module
 */
import {
  type Environment,
  JournalWriter,
  readRuns,
  type RecordedRun,
  RUN_OPTIONS,
  runFolder,
  runIdOf,
  runPaths,
  type RunSpec,
  sha256Hex,
  type StepEvent,
  writeManifest,
} from "../../lib/record/mod.ts";

/** Synthetic run. */
export interface SyntheticRun {
  /** Differences from {@linkcode SPEC}. `steps` is the number of losses. */
  spec?: Partial<RunSpec>;
  /** Training losses by step, from step 1. */
  losses: readonly number[];
  /** Validation losses by step, and peak memory if it is recorded. */
  evals?: readonly { step: number; loss: number; peakBytes?: number | undefined }[];
  /** Further fields of each step by its index, such as `probes`. Default: none. */
  step?: (index: number) => Partial<StepEvent>;
  /** End of the run. Default: finished. */
  end?: "finish" | "none" | { fail: string };
  /** Differences from the default environment. */
  environment?: Partial<Environment>;
  /** Hash of the code. Default: 64 zeros. */
  libSha256?: string;
}

/** Spec of synthetic runs. */
export const SPEC: RunSpec = {
  ...RUN_OPTIONS,
  data: "shakespeare",
  tokenizer: "character",
  T: 64,
  B: 12,
  nLayer: 2,
  nHead: 2,
  nEmbd: 64,
  policy: "float32",
  execution: "graph",
  threads: 1,
  seed: 1,
  steps: 0,
  lr: 1e-3,
  minLr: 1e-4,
  warmupSteps: 10,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.1,
  clip: 1,
  evalEvery: 50,
  evalBytes: "all",
  evalTokens: 1000,
  checkpointEvery: 50,
};

/** Number of evaluations of {@linkcode noisyRun}, as of a run with `evalEvery` at its default. */
const EVALUATIONS = 20;

/**
 * Returns a run whose losses, gradient norms, throughput and memory are noisy, so that a report compresses them as little as
 * those of recorded runs.
 */
export function noisyRun(spec: Partial<RunSpec>, steps: number): SyntheticRun {
  const losses = Array.from(
    { length: steps },
    (_, step) => 2 + 3 * Math.exp(-25 * step / steps) + 0.2 * Math.random(),
  );
  return {
    spec,
    losses,
    evals: Array.from({ length: EVALUATIONS }, (_, i) => {
      const step = Math.round((i + 1) * steps / EVALUATIONS);
      return { step, loss: losses[step - 1]!, peakBytes: Math.round(4e8 * (1 + 0.1 * Math.random())) };
    }),
    step: () => ({ gradNorm: 1 + Math.random(), tokensPerSecond: 20_000 * (1 + 0.2 * Math.random()) }),
  };
}

/** Writes a run to a sweep's folder, and returns the folder of the run. */
export function writeSyntheticRun(sweepDir: string, run: SyntheticRun): string {
  const spec: RunSpec = { ...SPEC, steps: run.losses.length, ...run.spec };
  const data = { name: spec.data, sha256: sha256Hex(spec.data) };
  const libSha256 = run.libSha256 ?? "0".repeat(64);
  const runId = runIdOf({ spec, dataSha256: data.sha256, libSha256 });
  const folder = runFolder(sweepDir, runId);
  Deno.mkdirSync(folder, { recursive: true });
  writeManifest(runPaths(folder).manifest, {
    format: "losskit-run/1",
    runId,
    spec,
    data,
    libSha256,
    environment: {
      cpuModel: "Synthetic CPU",
      cpuFlags: ["avx2", "fma"],
      cores: 2,
      os: "linux 6.1",
      arch: "x86_64",
      denoVersion: "2.9.6",
      tensorflowVersion: "2.21.0",
      wheelSha256: undefined,
      device: "cpu",
      rounding: "once",
      onednn: undefined,
      gitCommit: undefined,
      gitDiffSha256: undefined,
      ...run.environment,
    },
  });
  using journal = new JournalWriter(runPaths(folder).journal, 0);
  journal.write({ event: "start", runId, seed: spec.seed });
  const evaluate = (at: number) => {
    for (const { step, loss, peakBytes } of run.evals ?? []) {
      if (step !== at) continue;
      const size = { tokens: 1000, seconds: 0.1, peakBytes };
      journal.write({ event: "eval", step, loss, bitsPerByte: loss / Math.LN2, ...size });
    }
  };
  evaluate(0);
  run.losses.forEach((loss, i) => {
    journal.write({
      event: "step",
      step: i + 1,
      lr: 1e-3,
      loss,
      gradNorm: 1,
      tokensPerSecond: 5000 + i,
      ...run.step?.(i),
    });
    evaluate(i + 1);
  });
  const end = run.end ?? "finish";
  if (end === "finish") {
    journal.write({ event: "finish", step: run.losses.length, seconds: 1, checkpointSha256: "c".repeat(64) });
  } else if (end !== "none") journal.write({ event: "fail", message: end.fail });
  return folder;
}

/**
 * Writes runs to a temporary folder, reads them, and removes the folder.
 *
 * @param more Changes the folder of each run before it is read. Default: no change.
 */
export function recordRuns(
  runs: readonly SyntheticRun[],
  more: (folder: string) => void = () => {},
): RecordedRun[] {
  const dir = Deno.makeTempDirSync();
  try {
    for (const run of runs) more(writeSyntheticRun(dir, run));
    return readRuns(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}
