/**
 * What a run ran on: recorded, so that a difference can be explained. It is no part of a run's identity.
 *
 * @module
 */
import { join } from "node:path";
import { sha256Hex } from "./canonical_json.ts";

/** The machine and the programs of a run. Undefined: could not be found out. */
export interface Environment {
  /** The processor's name. */
  readonly cpuModel: string | undefined;
  /** Those that matter for numerics: vector widths and bfloat16. */
  readonly cpuFlags: readonly string[];
  /** Logical processors. */
  readonly cores: number;
  /** Name and release of the operating system. */
  readonly os: string;
  /** `x86_64` or `aarch64`. */
  readonly arch: string;
  /** Deno's version. */
  readonly denoVersion: string;
  /** libtensorflow's version, as it says itself. */
  readonly tensorflowVersion: string;
  /** The wheel that libtensorflow is from; undefined: it was found on the machine. */
  readonly wheelSha256: string | undefined;
  /** What ops ran on: `cpu`, or a GPU's name. Undefined: recorded before there was a choice, so a CPU. */
  readonly device: string | undefined;
  /** How bfloat16 matrix products were found to round. */
  readonly rounding: string;
  /** Whether `TF_ENABLE_ONEDNN_OPTS` was set, and to what. */
  readonly onednn: string | undefined;
  /** The commit that is checked out; undefined: no repository. */
  readonly gitCommit: string | undefined;
  /** SHA-256 of the uncommitted changes; undefined: none, or no repository. */
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
  "bf16",
  "sve",
];

/** Finds out about this machine; what TensorFlow says of itself is handed in. */
export async function collectEnvironment(
  tensorflow: Pick<Environment, "tensorflowVersion" | "wheelSha256" | "device" | "rounding">,
): Promise<Environment> {
  const { model, flags } = await readCpu();
  const commit = await git("rev-parse", "HEAD");
  const diff = commit === undefined ? undefined : await git("diff", "--no-ext-diff", "--no-color", "HEAD");
  return {
    cpuModel: model,
    cpuFlags: FLAGS.filter((flag) => flags.has(flag)),
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

async function readCpu(): Promise<{ model: string | undefined; flags: Set<string> }> {
  try {
    const text = await Deno.readTextFile("/proc/cpuinfo");
    const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(.*)$`, "mi").exec(text)?.[1]?.trim();
    return {
      model: field("model name"),
      flags: new Set((field("flags") ?? field("Features") ?? "").split(/\s+/)),
    };
  } catch {
    return { model: await output("sysctl", ["-n", "machdep.cpu.brand_string"]), flags: new Set() };
  }
}

function git(...args: string[]): Promise<string | undefined> {
  return output("git", ["-C", import.meta.dirname ?? ".", ...args]);
}

async function output(program: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(program, { args, stdin: "null", stderr: "null" })
      .output();
    return success ? new TextDecoder().decode(stdout).trimEnd() : undefined;
  } catch {
    return undefined; // no such program: this is a record, not a need
  }
}

/** SHA-256 over the sources of a folder, names and contents, tests left out: what the results depend on. */
export function hashSources(folder: string): string {
  const files: string[] = [];
  const visit = (path: string, name: string) => {
    for (const entry of Deno.readDirSync(path)) {
      const inner = `${name}${entry.name}`;
      if (entry.isDirectory) visit(join(path, entry.name), `${inner}/`);
      else if (inner.endsWith(".ts") && !inner.endsWith("_test.ts")) files.push(inner);
    }
  };
  visit(folder, "");
  files.sort();
  return sha256Hex(
    files.map((name) => `${name} ${sha256Hex(Deno.readFileSync(join(folder, name)))}\n`).join(""),
  );
}
