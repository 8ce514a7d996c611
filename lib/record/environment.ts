/**
 * Environment of a run: hardware and software. The environment is recorded to explain differences of results. The run's
 * ID does not depend on it.
 *
 * @module
 */
import { readCpuInfo } from "../file/cpu_info.ts";
import { PACKAGE_FOLDER } from "../file/package.ts";
import { sha256Hex } from "./sha256.ts";

/** Hardware and software of a run. Undefined values are unknown. */
export interface Environment {
  /** Processor model. */
  readonly cpuModel: string | undefined;
  /** Processor features that affect numerics: vector widths and bfloat16. */
  readonly cpuFlags: readonly string[];
  /** Logical processors. */
  readonly cores: number;
  /** Name and release of the operating system. */
  readonly os: string;
  /** `x86_64` or `aarch64`. */
  readonly arch: string;
  /** Version of Deno. */
  readonly denoVersion: string;
  /** Version reported by libtensorflow. */
  readonly tensorflowVersion: string;
  /** SHA-256 of the wheel with libtensorflow. Undefined if the library was found on the machine. */
  readonly wheelSha256: string | undefined;
  /** Device that executes the operations: `cpu` or the name of a GPU. Undefined in old records of CPU runs. */
  readonly device: string | undefined;
  /** Rounding of bfloat16 matrix products, as measured on this machine. */
  readonly rounding: string;
  /** Value of `TF_ENABLE_ONEDNN_OPTS`, if set. */
  readonly onednn: string | undefined;
  /** Git commit. Undefined outside of a repository. */
  readonly gitCommit: string | undefined;
  /** SHA-256 of the uncommitted changes. Undefined without changes or outside of a repository. */
  readonly gitDiffSha256: string | undefined;
}

const FLAGS = [
  "avx2",
  "fma",
  "f16c",
  "avx512f",
  "avx512_bf16",
  "avx512_fp16",
  "amx_bf16",
  "amx_tile",
  "avx_ne_convert",
  "bf16",
  "sve",
];

/** Returns the environment of this process. */
export async function collectEnvironment(
  tensorflow: Pick<Environment, "tensorflowVersion" | "wheelSha256" | "device" | "rounding">,
): Promise<Environment> {
  const cpu = readCpuInfo();
  const model = cpu === undefined ? await output("sysctl", ["-n", "machdep.cpu.brand_string"]) : cpu.model;
  // A package in node_modules can lie in a repository that does not contain it.
  const isTracked = await git("ls-files", "--error-unmatch", "deno.json") !== undefined;
  const commit = isTracked ? await git("rev-parse", "HEAD") : undefined;
  const diff = commit === undefined ? undefined : await git("diff", "--no-ext-diff", "--no-color", "HEAD");
  return {
    cpuModel: model,
    cpuFlags: FLAGS.filter((flag) => cpu?.flags.has(flag)),
    cores: navigator.hardwareConcurrency,
    os: `${Deno.build.os} ${Deno.osRelease()}`,
    arch: Deno.build.arch,
    denoVersion: Deno.version.deno,
    ...tensorflow,
    onednn: Deno.env.get("TF_ENABLE_ONEDNN_OPTS"),
    gitCommit: commit?.trim(),
    gitDiffSha256: diff ? sha256Hex(diff) : undefined,
  };
}

async function git(...args: string[]): Promise<string | undefined> {
  return PACKAGE_FOLDER === undefined ? undefined : await output("git", ["-C", PACKAGE_FOLDER, ...args]);
}

async function output(program: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(program, { args, stdin: "null", stderr: "null" })
      .output();
    return success ? new TextDecoder().decode(stdout).trimEnd() : undefined;
  } catch {
    return undefined; // missing programs leave fields unknown
  }
}
