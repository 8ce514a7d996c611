/**
 * Files of Python's package index, fetched by package name with the machine's own clients. No host is named: mirrors
 * and proxies that pip or uv are set up for are used.
 *
 * @module
 */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { createProgress } from "../progress/progress.ts";
import { hashFile } from "./file_hash.ts";

/** One file of a package. */
export interface PackageFile {
  /** The package's name. */
  name: string;
  /** Its version. */
  version: string;
  /** The file's name. */
  filename: string;
  /** SHA-256 of the file, in hex. */
  sha256: string;
  /** Its size. */
  bytes: number;
  /** What pip needs to choose this file, such as `--platform`. */
  args: string[];
}

/** What is tried, in order. uv brings a pip of its own where the machine has none. */
const CLIENTS: string[][] = [
  ["python3", "-m", "pip"],
  ["python", "-m", "pip"],
  ["pip3"],
  ["pip"],
  ["uv", "tool", "run", "pip"],
];

/**
 * Fetches a file into a folder, with a progress line on standard error.
 *
 * @param file Which.
 * @param into An existing folder.
 * @returns The file's path.
 * @throws {UserError} when no client brought it, with what each said; when it is not the file that was pinned.
 */
export async function downloadPackage(file: PackageFile, into: string): Promise<string> {
  const failures: string[] = [];
  for (const client of CLIENTS) {
    const failure = await download(client, file, into);
    if (failure === undefined) {
      const path = join(into, file.filename);
      const found = await hashFile(path);
      if (found === file.sha256) return path;
      throw new UserError(`Cannot use ${file.filename}: its SHA-256 must be ${file.sha256}: it is ${found}`);
    }
    failures.push(`  ${client.join(" ")}: ${failure}`);
  }
  throw new UserError(
    `Cannot fetch ${file.name} ${file.version} (${file.filename}). Tried:\n${failures.join("\n")}\n` +
      "Connect to the network, or install pip or uv, and run the same command again.",
  );
}

/** Runs one client; undefined when it brought the file, or else why not. */
async function download(client: string[], file: PackageFile, into: string): Promise<string | undefined> {
  const temporary = await Deno.makeTempDir({ dir: into });
  const [program, ...args] = client as [string, ...string[]];
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args: [
        ...args,
        "download",
        "--no-deps",
        "--quiet",
        "--disable-pip-version-check",
        "--dest",
        into,
        ...file.args,
        `${file.name}==${file.version}`,
      ],
      env: { TMPDIR: temporary },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    await Deno.remove(temporary, { recursive: true });
    return error instanceof Deno.errors.NotFound ? "not on this machine" : String(error);
  }
  const progress = createProgress({
    label: `fetching ${file.name} ${file.version}`,
    total: file.bytes,
    unit: "bytes",
  });
  progress.update(0);
  const timer = setInterval(() => progress.update(Math.min(file.bytes, folderBytes(into))), 250);
  try {
    const { success, stderr } = await child.output();
    if (success && (await Deno.stat(join(into, file.filename)).catch(() => undefined))?.isFile) {
      progress.update(file.bytes);
      progress.finish();
      return undefined;
    }
    const lines = new TextDecoder().decode(stderr).trim().split("\n").filter((line) =>
      !/^warning/i.test(line)
    );
    return lines.at(-1)?.slice(0, 300) || "it ended without the file";
  } finally {
    clearInterval(timer);
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
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
    // Files come and go while the client works: this is a guess for a progress line.
  }
  return total;
}
