// @heavy
/**
 * Reproduces the reference results in the repository, with the current code and with the code that made them.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { readRuns } from "../lib/record/mod.ts";
import { runTask } from "./support/commands.ts";

const FOLDER = "experiments/reference";

Deno.test("reproduce reports the reference runs as identical, or as within tolerance on another machine", async () => {
  assertEquals(readRuns(FOLDER).map(({ status }) => status), ["finished", "finished"]);
  for (const flag of ["--present-code", "--run-recorded-code"]) {
    const { code, stdout, stderr } = await runTask("reproduce", [FOLDER, flag]);
    const answers = stdout.trim().split("\n").filter((line) => !line.includes(": changed: "));
    assertEquals(answers.length, 2, stdout);
    // Recorded code requires git's history.
    const lost = flag === "--run-recorded-code" &&
      answers.every((answer) => answer.endsWith(" is not in this repository"));
    assertEquals(code, lost ? 2 : 0, `${stdout}${stderr}`);
    if (lost) continue;
    for (const answer of answers) {
      assertMatch(answer, /^experiments\/reference\/runs\/[0-9a-f]{12}: (identical|within tolerance: .*)$/);
    }
    assertEquals(stderr.includes("differs from this checkout in:"), flag === "--run-recorded-code", stderr);
  }
});
