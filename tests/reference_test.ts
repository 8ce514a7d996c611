// @heavy
/**
 * The reference results that are in the repository, run again: with the code at hand, and with the code that made them.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { readRuns } from "../lib/record/mod.ts";
import { runTask } from "./support/commands.ts";

const FOLDER = "experiments/reference";

Deno.test("reproduce finds the reference runs as they were, or their losses within tolerance on another machine", async () => {
  assertEquals(readRuns(FOLDER).map(({ status }) => status), ["finished", "finished"]);
  for (const flags of [["--present-code"], []]) {
    const { code, stdout, stderr } = await runTask("reproduce", [FOLDER, ...flags]);
    assertEquals(code, 0, `${stdout}${stderr}`);
    const answers = stdout.trim().split("\n").filter((line) => !line.includes(": changed: "));
    assertEquals(answers.length, 2, stdout);
    for (const answer of answers) {
      assertMatch(answer, /^experiments\/reference\/runs\/[0-9a-f]{12}: (identical|within tolerance: .*)$/);
    }
    const rebuilt = stderr.includes("running the code of commit ");
    // A copy without git's history has no other code than its own.
    assert(rebuilt || stdout.includes("this is the code at hand"), `${stdout}${stderr}`);
    if (flags.length > 0) assert(!rebuilt);
  }
});
