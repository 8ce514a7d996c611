/** Learning rate schedules: inverse square root (default), and one with a restart. */
import type { Schedule } from "@losskit/losskit/train";

const inverseSquareRoot: Schedule = (step, { lr, warmupSteps }) => {
  const warmup = Math.max(1, warmupSteps);
  return lr * Math.min(step / warmup, Math.sqrt(warmup / step));
};

export default inverseSquareRoot;

/** Decays linearly to `minLr` twice. */
export const restart: Schedule = (step, { lr, minLr, steps }) => {
  const half = Math.ceil(steps / 2);
  const progress = ((step - 1) % half) / half;
  return lr + (minLr - lr) * progress;
};
