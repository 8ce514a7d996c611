/**
 * Specs of TF.js's suite that do not pass here for a reason, beyond those that the official addon passes over.
 *
 * @module
 */

const NAN_COUNTS = "NaN is kept as in PyTorch: nan_test.ts holds the rules";

/** A part of a spec's full name, and why it cannot pass. */
export const IGNORED: Readonly<Record<string, string>> = {
  "gather test-tensorflow {} throws when index is out of bound":
    "an error all the same, in TensorFlow's words: indices are not read in JavaScript at each call",
  "conv3d dilations CPU should throw error on dilations >1":
    "TensorFlow 2.21 has dilations on the CPU, where the addon's 2.9 had none",
  "argmax test-tensorflow {} ignores NaNs": NAN_COUNTS,
  "argmin test-tensorflow {} ignores NaNs": NAN_COUNTS,
  "argmin test-tensorflow {} 3D, ignores NaNs": NAN_COUNTS,
  "maxPool3d test-tensorflow {} x=[1,3,3,3,1] f=[2,2,2] s=1 p=valid, ignores NaNs": NAN_COUNTS,
  "maxPool test-tensorflow {} [x=[3,3,1] f=[2,2] s=1 ignores NaNs": NAN_COUNTS,
  "decode jpeg node bindings do not leak":
    "counts the growth of JavaScript's own heap, which Deno enlarges in steps of 16 MB; node_test.ts leaves it out",
};
