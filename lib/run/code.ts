/**
 * Source code of recorded runs. Uncommitted changes are saved with a plan, and the code of a run is rebuilt from the
 * git repository.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { isFile } from "../file/exists.ts";
import { PACKAGE_FOLDER, packageFolder } from "../file/package.ts";
import { atomicWrite, type Environment, hashSources, sha256Hex, sourcesHash } from "../record/mod.ts";

/** A folder with losskit's code, in which a run can be executed. `using` deletes a rebuilt folder. */
export interface CodeTree extends Disposable {
  /** Folder that holds `lib/`. */
  readonly root: string;
  /** Description of the rebuilt code, such as `commit HASH`. Undefined for the current checkout. */
  readonly built: string | undefined;
}

/**
 * Saves the uncommitted changes of this checkout as `code.diff`. Writes no file if there are none, or outside of a git
 * repository.
 *
 * @param dir The sweep's folder.
 */
export function keepDiff(dir: string): void {
  // A package in node_modules can lie in a repository that does not contain it.
  if (git(["ls-files", "--error-unmatch", "deno.json"]) === undefined) return;
  // Limit the diff to this folder, with relative paths: the folder may be part of a larger repository.
  const changed = git(["diff", "--no-ext-diff", "--no-color", "--binary", "--relative", "HEAD"]);
  const added = git(["ls-files", "--others", "--exclude-standard", "-z", "--", "lib", "data"]) ?? "";
  const news = added.split("\0").filter((name) => name !== "").map((name) =>
    // git returns status 1 because the files differ.
    run(
      "git",
      ["diff", "--no-index", "--no-ext-diff", "--no-color", "--", "/dev/null", name],
      PACKAGE_FOLDER,
      1,
    ) ?? ""
  );
  const diff = [changed ?? "", ...news].join("");
  if (diff !== "") atomicWrite(diffPath(dir), diff);
}

function diffPath(dir: string): string {
  return join(dir, "code.diff");
}

/** Identity of a run's code, as its manifest records it. */
export interface RecordedCode {
  /** SHA-256 of the source files in `lib/`. */
  readonly libSha256: string;
  /** `gitCommit`: the commit. `gitDiffSha256`: SHA-256 of the uncommitted changes, or undefined if there were none. */
  readonly environment: Pick<Environment, "gitCommit" | "gitDiffSha256">;
}

/** Returns true if `lib/` of this checkout is equal to the recorded code. */
export function isPresentCode({ libSha256 }: RecordedCode): boolean {
  return sourcesHash() === libSha256;
}

/** Returns the text of the error for a run whose code differs from this checkout, with the remedies. */
export function otherCode({ environment: { gitCommit, gitDiffSha256 } }: RecordedCode, dir: string): string {
  const diff = gitDiffSha256 === undefined ? "" : ` with the changes in ${diffPath(dir)}`;
  const made = gitCommit === undefined ? "" : `: commit ${gitCommit}${diff}`;
  return `the run used other code than this checkout${made}. Pass --run-recorded-code to see and run that code, ` +
    "if you trust the author of the folder, or --present-code to run the code of this checkout";
}

/**
 * Rebuilds the code of a run in a temporary folder, from the git repository and `code.diff` in the sweep's folder. The
 * caller must trust the sweep's folder, since the changes in `code.diff` become part of the code.
 *
 * @param recorded The recorded identity of the code.
 * @param dir The sweep's folder, which holds `code.diff`.
 * @param show Receives lines that list the differences from this checkout.
 * @returns The code. If it cannot be rebuilt, `missing` states the reason.
 */
export function recordedCode(
  recorded: RecordedCode,
  dir: string,
  show: (line: string) => void,
): CodeTree | { missing: string } {
  const { gitCommit: commit, gitDiffSha256: changed } = recorded.environment;
  if (commit === undefined) {
    return { missing: "lib/ has changed since the run, and no commit was recorded" };
  }
  if (git(["cat-file", "-e", `${commit}^{commit}`]) === undefined) {
    return {
      missing: `lib/ has changed since the run, and commit ${commit} is not in this repository`,
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
    return fail(`commit ${commit} cannot be read`);
  }
  if (run("tar", ["-xf", archive, "-C", root]) === undefined) return fail("tar cannot unpack the code");
  Deno.removeSync(archive);
  const applies = () =>
    isFile(diffPath(dir)) && run("git", ["apply", resolve(diffPath(dir))], root) !== undefined;
  if (changed !== undefined && !applies()) {
    return fail(
      `the uncommitted changes to ${commit} are missing from ${diffPath(dir)}, or do not apply`,
    );
  }
  if (hashSources(join(root, "lib")) !== recorded.libSha256) {
    return fail(
      `the code of commit ${commit}${changed ? " with its changes" : ""} is not the code of the run`,
    );
  }
  const built = `commit ${commit}${changed ? " with the changes in code.diff" : ""}`;
  show(`${built} differs from this checkout in:`);
  for (const name of differingFiles(root)) show(`  ${name}`);
  if (changed !== undefined) {
    show(`${diffPath(dir)} contains:`);
    for (const line of Deno.readTextFileSync(diffPath(dir)).trimEnd().split("\n")) show(`  ${line}`);
  }
  return { ...tree, built };
}

/** Returns the files of a rebuilt tree that are new or changed relative to this checkout. */
function differingFiles(root: string): string[] {
  const names: string[] = [], here = packageFolder("compare the code");
  const visit = (inner: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(join(root, inner))) {
      const path = join(inner, name);
      if (isDirectory) visit(path);
      else if (bytesOf(join(root, path)) !== bytesOf(join(here, path))) names.push(path);
    }
  };
  visit("");
  return names.sort();
}

/** Returns the SHA-256 of a file, or undefined if it cannot be read. */
function bytesOf(path: string): string | undefined {
  try {
    return sha256Hex(Deno.readFileSync(path));
  } catch {
    return undefined;
  }
}

/**
 * Returns the source files of `lib/` that changed since a commit, without tests. Returns undefined if the commit is
 * undefined or git cannot compare it.
 */
export function changedFiles(commit: string | undefined): string[] | undefined {
  const names = commit === undefined ? undefined : git(["diff", "--name-only", commit, "--", "lib"]);
  return names?.trimEnd().split("\n").filter((name) => name.endsWith(".ts") && !name.endsWith("_test.ts"));
}

function git(args: string[]): string | undefined {
  return PACKAGE_FOLDER === undefined ? undefined : run("git", ["-C", PACKAGE_FOLDER, ...args]);
}

/** Returns the standard output of a program, or undefined if the program fails or exits with another status. */
function run(program: string, args: string[], cwd = PACKAGE_FOLDER, wanted = 0): string | undefined {
  try {
    const { code, stdout } = new Deno.Command(program, {
      args,
      ...(cwd !== undefined && { cwd }),
      stdin: "null",
      stderr: "null",
    })
      .outputSync();
    return code === wanted ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}
