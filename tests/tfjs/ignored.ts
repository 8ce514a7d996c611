/**
 * Specs of TF.js's suite that fail here for a known reason, in addition to those that the official addon skips.
 *
 * @module
 */

const NAN_COUNTS = "NaN propagates as in PyTorch (rules in nan_test.ts)";

/** Part of a spec's full name, and the reason why it fails. */
export const IGNORED: Readonly<Record<string, string>> = {
  "gather test-tensorflow {} throws when index is out of bound":
    "throws too, with TensorFlow's text: indices are not read in JavaScript at each call",
  "conv3d dilations CPU should throw error on dilations >1":
    "TensorFlow 2.21 supports dilations on the CPU, while the addon's 2.9 does not",
  "argmax test-tensorflow {} ignores NaNs": NAN_COUNTS,
  "argmin test-tensorflow {} ignores NaNs": NAN_COUNTS,
  "argmin test-tensorflow {} 3D, ignores NaNs": NAN_COUNTS,
  "maxPool3d test-tensorflow {} x=[1,3,3,3,1] f=[2,2,2] s=1 p=valid, ignores NaNs": NAN_COUNTS,
  "maxPool test-tensorflow {} [x=[3,3,1] f=[2,2] s=1 ignores NaNs": NAN_COUNTS,
  "decode jpeg node bindings do not leak":
    "measures the growth of JavaScript's own heap, which Deno enlarges in steps of 16 MB; node_test.ts excludes it",
};
