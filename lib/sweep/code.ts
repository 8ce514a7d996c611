/**
 * The code that a run was made with: kept beside a plan where it is not committed, and built again from the repository.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { atomicWrite, type Environment, hashSources } from "../record/mod.ts";

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

/**
 * The code that a run was made with.
 *
 * @param recorded The run's hash of `lib/` and its environment.
 * @param dir The sweep's folder, which holds what was not committed.
 * @returns The code, or why it cannot be had.
 */
export function codeOf(
  recorded: { libSha256: string; environment: Environment },
  dir: string,
): CodeTree | { missing: string } {
  if (hashSources(join(ROOT, "lib")) === recorded.libSha256) {
    return { root: ROOT, built: undefined, [Symbol.dispose]() {} };
  }
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
  return { ...tree, built: `commit ${commit}${changed ? " with the changes in code.diff" : ""}` };
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
