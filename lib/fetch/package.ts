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

/** Few retries, since other clients follow; a user's pip may be set to refuse work outside virtual environments. */
const DEFAULTS: Record<string, string> = { PIP_RETRIES: "2", UV_HTTP_RETRIES: "1" };
const OVERRIDES: Record<string, string> = { PIP_REQUIRE_VIRTUALENV: "false" };

/**
 * Fetches a file into a folder, with a progress line on standard error.
 *
 * @param file Which.
 * @param into An existing folder.
 * @returns The file's path.
 * @throws {UserError} when no client brought the file that was pinned: it lists what each said.
 */
export async function downloadPackage(file: PackageFile, into: string): Promise<string> {
  const path = join(into, file.filename);
  const tried = new Map<string, string>(); // a pip's own words on which it is, to the command
  const failures: string[] = [];
  for (const client of CLIENTS) {
    const command = client.join(" ");
    const version = await run([...client, "--version"]);
    const same = tried.get(version.stdout);
    let failure: string | undefined;
    if (version.failure !== undefined) failure = version.failure;
    else if (same !== undefined) failure = `the same as ${same}`;
    else {
      tried.set(version.stdout, command);
      failure = await download(client, file, into) ?? await findFault(path, file);
    }
    if (failure === undefined) return path;
    failures.push(`  ${command}: ${failure}`);
  }
  throw new UserError(
    `Cannot fetch ${file.name} ${file.version} (${file.filename}). Tried:\n${failures.join("\n")}\n` +
      "Connect to the network, or install pip or uv, and run the same command again.",
  );
}

/** What is wrong with what a client brought; such a file is removed. */
async function findFault(path: string, { sha256 }: PackageFile): Promise<string | undefined> {
  const found = await hashFile(path).catch(() => undefined);
  if (found === sha256) return undefined;
  await Deno.remove(path).catch(() => {});
  return found === undefined
    ? "it ended without the file"
    : `the SHA-256 of what it brought must be ${sha256}: it is ${found}`;
}

/** Lets one client fetch; undefined when it says that it has, or else why not. */
async function download(client: string[], file: PackageFile, into: string): Promise<string | undefined> {
  const temporary = await Deno.makeTempDir({ dir: into });
  const progress = createProgress({
    label: `fetching ${file.name} ${file.version}`,
    total: file.bytes,
    unit: "bytes",
  });
  progress.update(0);
  let before = 0;
  const arrived = () => Math.min(file.bytes, Math.max(0, folderBytes(into) - before));
  const timer = setInterval(() => progress.update(arrived()), 250);
  try {
    // Required hashes are checked before pip looks into a file: a source package's look runs its setup.py.
    const wanted = join(temporary, "wanted.txt");
    await Deno.writeTextFile(wanted, `${file.name}==${file.version} --hash=sha256:${file.sha256}\n`);
    before = folderBytes(into);
    const args = ["--no-deps", "--quiet", "--disable-pip-version-check", "--dest", into, ...file.args];
    const { failure } = await run(
      [...client, "download", ...args, "--require-hashes", "-r", wanted],
      temporary,
    );
    if (failure === undefined) progress.update(file.bytes);
    progress.finish(failure === undefined ? undefined : "failed");
    return failure;
  } finally {
    clearInterval(timer);
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
  }
}

/** Runs a command to its end. */
async function run(
  [program, ...args]: string[],
  temporary?: string,
): Promise<{ stdout: string; failure: string | undefined }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program!, {
      args,
      env: {
        ...DEFAULTS,
        ...Deno.env.toObject(),
        ...OVERRIDES,
        ...(temporary === undefined ? {} : { TMPDIR: temporary }),
      },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return {
      stdout: decoder.decode(stdout),
      failure: success ? undefined : explainFailure(decoder.decode(stderr)),
    };
  } catch (error) {
    const failure = error instanceof Deno.errors.NotFound ? "not on this machine" : String(error);
    return { stdout: "", failure };
  }
}

/** The line of a client's complaint that says most: its last error, and the fault of the network under it. */
function explainFailure(stderr: string): string {
  const lines = stderr.trim().split("\n").map((line) => line.trim());
  const last = lines.findLast((line) => /^error/i.test(line)) ?? lines.at(-1) ?? "";
  // pip tells why a connection broke in a warning, and then that there is no such package.
  const broken = lines.findLast((line) => /connection broken by|^cause:/.test(line));
  const why = broken?.match(/\[Errno [^\]]*\] ([^'")]+)/)?.[1] ?? broken;
  const text = why === undefined ? last : `${last} (${why.replace(/^cause: /, "")})`;
  return text.slice(0, 400) || "it ended with an error and no word on it";
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
