/**
 * Tasks that are typed in a subfolder: relative paths are files of that folder, and child processes do not see INIT_CWD.
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join, relative } from "node:path";
import { type Ended, ended, sampleText } from "./support/commands.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";

const REPOSITORY = new URL("../", import.meta.url).pathname;

/** Runs a task as typed in a folder. */
async function typedIn(cwd: string, name: string, args: string[], init?: string): Promise<Ended> {
  const { INIT_CWD: _own, ...env } = Deno.env.toObject();
  return await ended(
    new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", name, ...args],
      cwd,
      clearEnv: true,
      env: { ...env, NO_COLOR: "1", ...(init !== undefined && { INIT_CWD: init }) },
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn(),
  );
}

Deno.test("relative paths of a task are files of the folder in which it is typed", async () => {
  const out = join(REPOSITORY, "experiments", "out");
  await Deno.mkdir(out, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: out, prefix: "typed-" });
  try {
    await Deno.writeTextFile(join(folder, "mine.txt"), sampleText(60));
    const described = await typedIn(folder, "train", ["--data", "mine.txt", "--describe"]);
    assertEquals(described.code, 0, described.stderr);
    assertStringIncludes(described.stdout, "token embedding");
    writeSyntheticRun(join(folder, "sweep"), { losses: [3, 2], evals: [{ step: 2, loss: 2 }] });
    // The task has narrow permissions.
    const exported = await typedIn(folder, "export", ["sweep", "--out", "tables"]);
    assertEquals(exported.code, 0, exported.stderr);
    assertEquals((await Deno.stat(join(folder, "tables", "steps.parquet"))).isFile, true);
    const missing = await typedIn(folder, "report", ["no-such-folder"]);
    assertEquals(missing.code, 2);
    assertMatch(missing.stderr, /experiments\/out\/typed-[^/]+\/no-such-folder/);
    // npm sets INIT_CWD too, to the folder in which npx was typed; other programs leave an old one.
    const inside = relative(REPOSITORY, folder);
    const stale = await typedIn(
      REPOSITORY,
      "export",
      [`${inside}/sweep`, "--out", `${inside}/x`],
      "/nowhere",
    );
    assertEquals(stale.code, 0, stale.stderr);
    assertEquals((await Deno.stat(join(folder, "x", "steps.parquet"))).isFile, true);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
