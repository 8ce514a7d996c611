/** Experiment A: bfloat16 weights compared with float32 master weights. */
import type { Experiment } from "../lib/sweep/mod.ts";
import { fields, hasPolicy, inWords, isAbove, pairedGap, SMALL_MODEL, validationLoss } from "./_runs.ts";

const POLICIES = ["float32", "bf16-keras", "bf16-pure", "bf16-pure-stochastic", "bf16-pure-kahan"];
const STEPS = 400, QUICK_STEPS = 60;

const experiment: Experiment = {
  name: "a_pure_bf16",
  title: "A. Must weights be float32?",
  claim:
    "Training with weights in bfloat16 is worse than with float32 master weights when updates are rounded to " +
    "nearest, because small updates are cancelled; stochastic rounding or Kahan summation of the updates recovers the " +
    "loss of float32.",
  source: "Zamirai et al. 2020, Revisiting BFloat16 Training (arXiv:2010.06192); Yu et al. 2024, Collage " +
    "(arXiv:2405.03637)",
  prediction:
    "bf16-keras (float32 masters) ends within 0.01 nats of float32; bf16-pure ends above float32 by more " +
    "than 0.01 nats with an interval above 0, and its gap grows while the learning rate decays; bf16-pure-stochastic " +
    "and bf16-pure-kahan lose less than half of what bf16-pure loses. The gains of LayerNorm never move in bf16-pure " +
    "(a test of lib/train shows it exactly).",
  sweeps: (size) => ({
    policies: {
      spec: {
        ...SMALL_MODEL,
        policy: size === "full" ? POLICIES : ["float32", "bf16-pure", "bf16-pure-kahan"],
        seeds: size === "full" ? [1, 2, 3, 4, 5] : [1, 2],
        steps: size === "full" ? STEPS : QUICK_STEPS,
        warmupSteps: 20,
        evalEvery: size === "full" ? STEPS / 4 : QUICK_STEPS,
        evalTokens: size === "full" ? 32768 : 8192,
      },
    },
  }),
  conclude: ({ size, runs: { policies: runs = [] } }) => {
    const gap = (policy: string, step?: number) =>
      pairedGap(
        runs,
        { base: hasPolicy("float32"), other: hasPolicy(policy) },
        (run) => validationLoss(run, step),
      );
    const pure = gap("bf16-pure"), kahan = gap("bf16-pure-kahan");
    const direction = pure.mean > 0.002 && kahan.mean < pure.mean / 2;
    const others = [...new Set(runs.map(({ manifest }) => manifest.spec.policy))].filter((one) =>
      one !== "float32"
    );
    const steps = [
      ...new Set(
        runs.flatMap(({ events }) =>
          events.flatMap((event) => event.event === "eval" && event.step > 0 ? [event.step] : [])
        ),
      ),
    ].sort((a, b) => a - b);
    const tables = {
      final: others.map((policy) => ({ policy, ...fields(gap(policy)) })),
      gaps: others.flatMap((policy) => steps.map((step) => ({ policy, step, ...fields(gap(policy, step)) }))),
      runs: runs.map((run) => ({
        policy: run.manifest.spec.policy,
        seed: run.manifest.spec.seed,
        loss: validationLoss(run),
      })),
    };
    const figures = others.map((policy) => `${policy} ${inWords(gap(policy))}`).join(", ");
    const reason = `final validation loss minus float32's, nats, paired seeds: ${figures}`;
    if (size === "quick") {
      return { verdict: "not decidable at this scale", reason, directionHolds: direction, tables };
    }
    const masters = Math.abs(gap("bf16-keras").mean) <= 0.01;
    const worse = isAbove(pure, 0.01);
    const recovered = Math.max(gap("bf16-pure-stochastic").mean, kahan.mean) < pure.mean / 2;
    const grows = gap("bf16-pure", STEPS).mean > gap("bf16-pure", STEPS / 2).mean;
    return {
      verdict: masters && worse && recovered ? "reproduced" : "not reproduced",
      reason:
        `${reason}. Masters within 0.01: ${yes(masters)}; nearest worse by more than 0.01: ${yes(worse)}; ` +
        `stochastic and Kahan recover more than half: ${yes(recovered)}; the gap of bf16-pure ` +
        `${grows ? "grew" : "did not grow"} in the second half (${
          inWords(gap("bf16-pure", STEPS / 2))
        } at its start).`,
      directionHolds: direction,
      tables,
    };
  },
};

function yes(holds: boolean): string {
  return holds ? "yes" : "no";
}

export default experiment;
