/**
 * `deno task test [FILTER...]`: runs the tests, each file in a separate process, and prints the counts last.
 *
 * A native abort fails only its file. Files that begin with the comment `// @heavy` run alone, because they use all cores.
 * The other files run two at a time. Doc tests are not included: `deno task ok` runs them.
 */
import { command, runCommand, STATUS } from "../lib/cli/command.ts";
import { runTestFiles } from "./support/test_files.ts";

/** Folders that contain tests. */
export const TEST_ROOTS: string[] = ["lib", "data", "tests", "experiments"];

/** Exit statuses of tasks that run tests. */
export const TEST_STATUSES: Readonly<Record<number, string>> = {
  0: "all tests passed",
  1: "a test failed, or no test was found",
  ...STATUS.badInput,
};

const program = command("test", "Run the tests of losskit, each file in a separate process.", TEST_STATUSES)
  .argument("[filters...]", "parts of file names, for example analysis (default: all files)")
  .action(async (filters: string[]) => {
    const { passed, failed } = await runTestFiles({
      roots: TEST_ROOTS,
      filters,
      write: (line) => console.log(line),
    });
    // A wrong filter or an empty checkout must not pass.
    Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
  });

if (import.meta.main) await runCommand(program, Deno.args);
