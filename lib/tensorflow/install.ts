/**
 * Where libtensorflow is: named by the user, in the cache, in an installed Python package, or fetched.
 *
 * @module
 */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { cacheDir, ensureFolder } from "../fetch/cache.ts";
import { downloadPackage } from "../fetch/package.ts";
import { unpackWheel } from "../fetch/wheel.ts";
import { type Wheel, WHEELS } from "./wheels.ts";

/** A libtensorflow on this machine. */
export interface LibTensorFlow {
  /** Path of the framework library. */
  framework: string;
  /** Path of the library with the C API. */
  cc: string;
  /** How it was found. */
  source: "environment" | "cache" | "python";
  /** SHA-256 of the wheel it is from, where that is known. */
  wheelSha256: string | undefined;
}

/** What the search sees of the machine; tests replace it. */
export interface Machine {
  /** As Deno names it: `linux`, `darwin`, `windows`. */
  os: string;
  /** As Deno names it: `x86_64`, `aarch64`. */
  arch: string;
  /** An environment variable. */
  env: (name: string) => string | undefined;
  /** A TensorFlow installed in Python: the folder that holds its libraries, and its version. */
  python: () => Promise<{ dir: string; version: string } | undefined>;
  /** Fetches a wheel's libraries into a folder. */
  fetch: (wheel: Wheel, into: string) => Promise<void>;
  /** Where warnings go. */
  warn: (line: string) => void;
}

const THIS_MACHINE: Machine = {
  os: Deno.build.os,
  arch: Deno.build.arch,
  env: Deno.env.get,
  python: findInPython,
  fetch: fetchLibraries,
  warn: (line) => console.error(line),
};

/** The oldest TensorFlow whose C API has all that is called. */
const OLDEST = [2, 16] as const;

/**
 * Finds libtensorflow, in this order: the folder that `LOSSKIT_LIBTENSORFLOW` names, the user's cache, a TensorFlow
 * installed in Python, and the pinned wheel, which is fetched into the cache.
 *
 * @param machine What the search sees; default: this machine.
 * @throws {UserError} when there is none: it lists every place that was tried and what to do.
 */
export async function findLibTensorFlow(machine: Machine = THIS_MACHINE): Promise<LibTensorFlow> {
  const wheel = WHEELS[`${machine.os}-${machine.arch}`];
  const named = machine.env("LOSSKIT_LIBTENSORFLOW");
  if (named) return await inNamedFolder(named);
  if (wheel === undefined) {
    throw new UserError(
      `Cannot fetch libtensorflow for ${machine.os} on ${machine.arch}: supported are Linux on x86-64 and arm64, and ` +
        "macOS on arm64. Elsewhere, let LOSSKIT_LIBTENSORFLOW name a folder that holds libtensorflow_cc and " +
        "libtensorflow_framework.",
    );
  }
  const path = join(
    cacheDir(machine.env, machine.os),
    `libtensorflow-${wheel.version}-${machine.os}-${machine.arch}`,
  );
  const tried = ["LOSSKIT_LIBTENSORFLOW: not set"];
  if (!await exists(path)) {
    tried.push(`${path}: not there`);
    const installed = await machine.python();
    if (installed !== undefined) {
      const found = await inFolder(installed.dir);
      if (found !== undefined && isRecent(installed.version)) {
        return { ...found, source: "python", wheelSha256: undefined };
      }
    }
    tried.push(
      installed === undefined
        ? "a TensorFlow installed in Python: none"
        : `TensorFlow ${installed.version} in ${installed.dir}: wanted version ${
          OLDEST.join(".")
        } or later, with both libraries`,
    );
  }
  const { files, libraries } = wheel;
  try {
    await ensureFolder({ path, files, build: (into) => machine.fetch(wheel, into), warn: machine.warn });
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(
      `Cannot find libtensorflow. Tried:\n${tried.map((line) => `  ${line}`).join("\n")}\n` +
        `  ${wheel.name} ${wheel.version} from Python's package index: ${cause.message}\n` +
        "Without a network, copy the cache folder of a machine that has it, or install TensorFlow where Python finds " +
        "it, or let LOSSKIT_LIBTENSORFLOW name the folder that holds both libraries.",
      { cause },
    );
  }
  return {
    framework: join(path, libraries.framework),
    cc: join(path, libraries.cc),
    source: "cache",
    wheelSha256: wheel.sha256,
  };
}

async function inNamedFolder(dir: string): Promise<LibTensorFlow> {
  const found = await inFolder(dir);
  if (found !== undefined) return { ...found, source: "environment", wheelSha256: undefined };
  throw new UserError(
    "Cannot use the folder that LOSSKIT_LIBTENSORFLOW names: wanted libtensorflow_cc and libtensorflow_framework " +
      `(.so.2, or .2.dylib on macOS) in it: given ${dir}. Correct the variable, or unset it to have the library fetched.`,
  );
}

/** Both libraries in a folder, whatever the system calls them. */
async function inFolder(dir: string): Promise<{ framework: string; cc: string } | undefined> {
  for (const suffix of [".so.2", ".2.dylib"]) {
    const framework = join(dir, `libtensorflow_framework${suffix}`),
      cc = join(dir, `libtensorflow_cc${suffix}`);
    if (await exists(framework) && await exists(cc)) return { framework, cc };
  }
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/** Looks without importing: TensorFlow takes seconds to import. */
const PYTHON_LOOK = `
import importlib.util, importlib.metadata, json, os
spec = importlib.util.find_spec("tensorflow")
if spec and spec.origin:
    version = None
    for name in ("tensorflow", "tensorflow-cpu", "tensorflow-cpu-aws", "tf-nightly"):
        try:
            version = importlib.metadata.version(name)
            break
        except importlib.metadata.PackageNotFoundError:
            pass
    print(json.dumps({"dir": os.path.dirname(spec.origin), "version": version or "0"}))
`;

async function findInPython(): Promise<{ dir: string; version: string } | undefined> {
  for (const python of ["python3", "python"]) {
    try {
      const { success, stdout } = await new Deno.Command(python, {
        args: ["-c", PYTHON_LOOK],
        stdin: "null",
        stderr: "null",
      }).output();
      const text = new TextDecoder().decode(stdout).trim();
      if (success && text !== "") return JSON.parse(text);
    } catch {
      // No such Python, or one that cannot answer: the next place is tried.
    }
  }
  return undefined;
}

async function fetchLibraries(wheel: Wheel, into: string): Promise<void> {
  const archive = await downloadPackage(wheel, into);
  const names = Object.keys(wheel.files);
  await unpackWheel(
    archive,
    Object.fromEntries(names.map((name) => [`tensorflow/${name}`, join(into, name)])),
  );
  await Deno.remove(archive);
}
