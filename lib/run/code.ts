/**
 * The code that a run was made with: kept beside a plan where it is not committed, and built again from the repository.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { atomicWrite, type Environment, hashSources, sha256Hex } from "../record/mod.ts";

/** The repository's folder: a path, in which spaces and accents are themselves. */
export const ROOT: string = join(import.meta.dirname!, "..", "..");

/** A checkout in which a run's worker can be started. */
export interface CodeTree extends Disposable {
  /** The folder that holds `lib/`. */
  readonly root: string;
  /** How it was built, in words; undefined: it is the code at hand. */
  readonly built: string | undefined;
}

/** Keeps what is not committed beside a plan, so that its runs can be rebuilt; nothing where all is, or without git. */
export function keepDiff(dir: string): void {
  // Of this folder alone, with paths from it: it may be part of a larger repository.
  const changed = git(["diff", "--no-ext-diff", "--no-color", "--binary", "--relative", "HEAD"]);
  const added = git(["ls-files", "--others", "--exclude-standard", "-z", "--", "lib", "data"]) ?? "";
  const news = added.split("\0").filter((name) => name !== "").map((name) =>
    // Its status is 1, since the files differ.
    run("git", ["diff", "--no-index", "--no-ext-diff", "--no-color", "--", "/dev/null", name], ROOT, 1) ?? ""
  );
  const diff = [changed ?? "", ...news].join("");
  if (diff !== "") atomicWrite(diffPath(dir), diff);
}

function diffPath(dir: string): string {
  return join(dir, "code.diff");
}

/** What a record says about the code that made a run. */
export interface RecordedCode {
  /** The hash of `lib/`. */
  readonly libSha256: string;
  /** The commit, and whether there were changes that were not committed. */
  readonly environment: Pick<Environment, "gitCommit" | "gitDiffSha256">;
}

/** Checks whether this checkout's `lib/` is the code that made a run. */
export function isPresentCode({ libSha256 }: RecordedCode): boolean {
  return hashSources(join(ROOT, "lib")) === libSha256;
}

/** Says what to do about a run that other code made. */
export function otherCode({ environment: { gitCommit, gitDiffSha256 } }: RecordedCode, dir: string): string {
  const diff = gitDiffSha256 === undefined ? "" : ` with the changes in ${diffPath(dir)}`;
  const made = gitCommit === undefined ? "" : `: commit ${gitCommit}${diff}`;
  return `other code than this checkout's made the run${made}. Give --run-recorded-code to see and run that code, ` +
    "if you trust whoever made the folder, or --present-code to run this checkout's";
}

/**
 * Builds the code that made a run from the repository and from the sweep's folder. Whoever runs the result trusts the
 * folder: its `code.diff` is code, and the hashes that it is checked by are in the folder, too.
 *
 * @param recorded The record of the code.
 * @param dir The sweep's folder, which holds the changes that were not committed.
 * @param show Takes lines that show how the code differs from this checkout's.
 * @returns The code, or the reason why it is missing.
 */
export function recordedCode(
  recorded: RecordedCode,
  dir: string,
  show: (line: string) => void,
): CodeTree | { missing: string } {
  const { gitCommit: commit, gitDiffSha256: changed } = recorded.environment;
  if (commit === undefined) {
    return { missing: "the code in lib/ has changed since, and no commit was recorded" };
  }
  if (git(["cat-file", "-e", `${commit}^{commit}`]) === undefined) {
    return {
      missing: `the code in lib/ has changed since, and its commit ${commit} is not in this repository`,
    };
  }
  const root = Deno.makeTempDirSync({ prefix: "losskit-code-" });
  const tree = { root, [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }) };
  const fail = (missing: string) => {
    tree[Symbol.dispose]();
    return { missing };
  };
  const archive = join(root, "tree.tar");
  if (git(["archive", "--format=tar", `--output=${archive}`, commit]) === undefined) {
    return fail(`the commit ${commit} cannot be read`);
  }
  if (run("tar", ["-xf", archive, "-C", root]) === undefined) return fail("tar cannot unpack the code");
  Deno.removeSync(archive);
  if (changed !== undefined && run("git", ["apply", resolve(diffPath(dir))], root) === undefined) {
    return fail(
      `the changes that were not committed to ${commit} are not in ${diffPath(dir)}, or do not fit it`,
    );
  }
  if (hashSources(join(root, "lib")) !== recorded.libSha256) {
    return fail(
      `the code of commit ${commit}${changed ? " with its changes" : ""} is not what the run was made with`,
    );
  }
  const built = `commit ${commit}${changed ? " with the changes in code.diff" : ""}`;
  show(`${built} differs from this checkout in:`);
  for (const name of differingFiles(root)) show(`  ${name}`);
  if (changed !== undefined) {
    show(`${diffPath(dir)} holds:`);
    for (const line of Deno.readTextFileSync(diffPath(dir)).trimEnd().split("\n")) show(`  ${line}`);
  }
  return { ...tree, built };
}

/** The files of a built tree that this checkout lacks or has with other content. */
function differingFiles(root: string): string[] {
  const names: string[] = [];
  const visit = (inner: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(join(root, inner))) {
      const path = join(inner, name);
      if (isDirectory) visit(path);
      else if (bytesOf(join(root, path)) !== bytesOf(join(ROOT, path))) names.push(path);
    }
  };
  visit("");
  return names.sort();
}

/** A file's hash; undefined: it cannot be read. */
function bytesOf(path: string): string | undefined {
  try {
    return sha256Hex(Deno.readFileSync(path));
  } catch {
    return undefined;
  }
}

/** Files of `lib/` that changed since a commit; undefined: it is not known. */
export function changedFiles(commit: string | undefined): string[] | undefined {
  const names = commit === undefined ? undefined : git(["diff", "--name-only", commit, "--", "lib"]);
  return names?.trimEnd().split("\n").filter((name) => name.endsWith(".ts") && !name.endsWith("_test.ts"));
}

function git(args: string[]): string | undefined {
  return run("git", ["-C", ROOT, ...args]);
}

/** What a program printed; undefined: there is none, or it ended with another status than the wanted one. */
function run(program: string, args: string[], cwd = ROOT, wanted = 0): string | undefined {
  try {
    const { code, stdout } = new Deno.Command(program, { args, cwd, stdin: "null", stderr: "null" })
      .outputSync();
    return code === wanted ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}
