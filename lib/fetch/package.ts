/**
 * Fetches files from Python's package index by package name, with the user's pip.
 *
 * pip finds the file and copies its bytes. None of the package's code runs, and no other package is fetched. pip's
 * configuration determines the host, with its mirrors and proxies.
 *
 * @module
 */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { createProgress } from "../progress/progress.ts";
import { PIP_FETCH, PIP_VERSION } from "./_pip_script.ts";
import { hashFile } from "../file/hash_file.ts";
import { runPython, runTool } from "./python.ts";

/** A file of a package. */
export interface PackageFile {
  /** Name of the package. */
  name: string;
  /** Version of the package. */
  version: string;
  /** Name of the file. */
  filename: string;
  /** SHA-256 of the file, in hex. */
  sha256: string;
  /** Size of the file in bytes. */
  bytes: number;
  /** Options for pip that select the file, such as `--platform`. */
  args: string[];
}

/** Pythons to try, in order. uv creates a Python with a pinned pip if no other has pip. */
const PYTHONS: readonly { name: string; find: (temporary: string) => Promise<Found> }[] = [
  { name: "python3 -m pip", find: () => Promise.resolve({ python: "python3" }) },
  { name: "python -m pip", find: () => Promise.resolve({ python: "python" }) },
  { name: "uv", find: pythonOfUv },
];

/** A Python, or the reason why it is missing. */
type Found = { readonly python: string } | { readonly failure: string };

/** The pip that uv installs, verified by hash. */
const PIP = "pip==25.3 --hash=sha256:9655943313a94722b7774661c21049070f6bbb0a1516bf02f7c8d5d9201514cd\n";

/** Environment of pip and uv: few retries, since other Pythons follow, unless the user sets them. */
const RETRIES: Record<string, string> = { PIP_RETRIES: "2", UV_HTTP_RETRIES: "1" };

/**
 * Fetches a file into a folder, with a progress line on standard error.
 *
 * @param file The file.
 * @param into An existing folder.
 * @returns Path of the file.
 * @throws {UserError} If no Python on this machine can fetch the file with the given checksum. The message lists each
 * failure.
 */
export async function downloadPackage(file: PackageFile, into: string): Promise<string> {
  const path = join(into, file.filename);
  const tried = new Map<string, string>(); // version and location of a pip, to the command
  const failures: string[] = [];
  const temporary = await Deno.makeTempDir({ dir: into });
  try {
    for (const { name, find } of PYTHONS) {
      const failure = await fetchWith(await find(temporary), { name, tried, file, into, temporary });
      if (failure === undefined) return path;
      failures.push(`  ${name}: ${failure}`);
    }
  } finally {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
  }
  throw new UserError(
    `Cannot fetch ${file.name} ${file.version} (${file.filename}). Tried:\n${failures.join("\n")}\n` +
      "Connect to the network, or install pip for python3, or uv, and run the same command again.",
  );
}

/** Fetches with one Python. Returns a description of the failure, or undefined on success. */
async function fetchWith(
  found: Found,
  at: { name: string; tried: Map<string, string>; file: PackageFile; into: string; temporary: string },
): Promise<string | undefined> {
  if ("failure" in found) return found.failure;
  const version = await runPython(found.python, ["-c", PIP_VERSION]);
  if (version.failure !== undefined) return version.failure;
  const same = at.tried.get(version.stdout);
  if (same !== undefined) return `the same as ${same}`;
  at.tried.set(version.stdout, at.name);
  return await download(found.python, at) ?? await findFault(join(at.into, at.file.filename), at.file);
}

/** Creates a Python environment with uv and installs the pinned pip in it. */
async function pythonOfUv(temporary: string): Promise<Found> {
  const folder = join(temporary, "python"), python = join(folder, "bin", "python");
  const list = join(temporary, "pip.txt");
  await Deno.writeTextFile(list, PIP);
  const options = { cwd: temporary, env: RETRIES };
  const { failure } = await runTool("uv", ["venv", "--quiet", folder], options);
  if (failure !== undefined) return { failure };
  const install = ["pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", list];
  const installed = await runTool("uv", install, options);
  return installed.failure === undefined ? { python } : { failure: installed.failure };
}

/** Verifies the fetched file, and removes it if its hash is wrong. Returns a description of the fault. */
async function findFault(path: string, { sha256 }: PackageFile): Promise<string | undefined> {
  const found = await hashFile(path).catch(() => undefined);
  if (found === sha256) return undefined;
  await Deno.remove(path).catch(() => {});
  return found === undefined
    ? "it ended without the file"
    : `expected a file with SHA-256 ${sha256}, got ${found}`;
}

/** Fetches the file with one Python's pip. Returns a description of the failure, or undefined if pip reported none. */
async function download(
  python: string,
  { file, into, temporary }: { file: PackageFile; into: string; temporary: string },
): Promise<string | undefined> {
  const progress = createProgress({
    label: `fetching ${file.name} ${file.version}`,
    total: file.bytes,
    unit: "bytes",
  });
  progress.update(0);
  const before = folderBytes(into);
  const arrived = () => Math.min(file.bytes, Math.max(0, folderBytes(into) - before));
  const timer = setInterval(() => progress.update(arrived()), 250);
  try {
    const args = [file.name, file.version, file.filename, into, "--disable-pip-version-check", ...file.args];
    const { failure } = await runPython(python, ["-c", PIP_FETCH, ...args], {
      env: { ...RETRIES, TMPDIR: temporary },
    });
    if (failure === undefined) progress.update(file.bytes);
    progress.finish(failure === undefined ? undefined : "failed");
    return failure;
  } finally {
    clearInterval(timer);
  }
}

function folderBytes(folder: string): number {
  let total = 0;
  try {
    for (const entry of Deno.readDirSync(folder)) {
      const path = join(folder, entry.name);
      total += entry.isDirectory ? folderBytes(path) : Deno.statSync(path).size;
    }
  } catch {
    // pip creates and removes files while it works: the progress line is an estimate.
  }
  return total;
}
