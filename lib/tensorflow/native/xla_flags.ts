/**
 * Flags for XLA, combined with the user's `XLA_FLAGS`.
 *
 * @module
 */
import { reasonOf } from "../../error/clause.ts";
import { UserError } from "../../error/user_error.ts";
import { readText } from "../../file/text.ts";
import { withVariables } from "./variables.ts";

/** Values of flags by name, without dashes. */
export type XlaFlags = Readonly<Record<string, string>>;

/**
 * Makes minima and maxima propagate NaN, as in PyTorch and TensorFlow's own kernels. By default, XLA's code for CPUs
 * returns the other operand.
 */
export const KEEP_NAN: XlaFlags = { xla_cpu_enable_fast_min_max: "false" };

/**
 * Disables XLA's newer emitters, which makes compilation a sixth shorter. Training steps take the same time. A softmax
 * in mode `xla` takes twice as long. To enable the emitters for mode `xla`, set the environment variable
 * `XLA_FLAGS=--xla_cpu_use_fusion_emitters=true`.
 */
export const QUICK_COMPILING: XlaFlags = { xla_cpu_use_fusion_emitters: "false" };

/**
 * Disables XLA's use of YNNPACK. In TensorFlow 2.21, the process can end with a segmentation fault if two threads call one
 * compiled function at the same time for the first time: both add literals to the same list. Training steps take the
 * same time without YNNPACK.
 */
export const NO_YNNPACK: XlaFlags = { xla_cpu_experimental_ynn_fusion_type: "" };

/**
 * Runs `read`, in which XLA parses its flags, with the `wanted` flags added to the user's flags. If the user has set a
 * flag, the user's value is used. If `XLA_FLAGS` names a file of flags, the flags of the file are included.
 */
export function withXlaFlags<R>(wanted: XlaFlags, read: () => R): R {
  const given = userFlags();
  const flags = Object.entries(wanted).filter(([name]) => !given.includes(`--${name}`));
  if (flags.length === 0) return read();
  const merged = [given, ...flags.map(([name, value]) => `--${name}=${value}`)].join(" ").trim();
  return withVariables({ XLA_FLAGS: merged }, read);
}

function userFlags(): string {
  const given = (Deno.env.get("XLA_FLAGS") ?? "").trim();
  if (given === "" || given.startsWith("-")) return given;
  try {
    return readText(given).trim();
  } catch (cause) {
    throw new UserError(
      `Cannot use XLA_FLAGS: expected flags that begin with --, or a file of them, got ${given}: ${
        reasonOf(cause)
      }. ` +
        "Correct or unset XLA_FLAGS.",
      { cause },
    );
  }
}
