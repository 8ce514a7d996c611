/**
 * `deno task test [FILTER...]`: runs the tests, each file in a process of its own, and prints the true counts last.
 *
 * A native abort fails its file and not the run. Files that begin with the comment `// @heavy` run alone, since they
 * use every core; the others run two at a time. Doc tests are not among them: `deno task ok` runs those.
 */
import { runTestFiles } from "./support/test_files.ts";

/** Folders that hold tests. */
export const TEST_ROOTS: string[] = ["lib", "data", "tests", "experiments"];

if (import.meta.main) {
  const { passed, failed } = await runTestFiles({
    roots: TEST_ROOTS,
    filters: Deno.args,
    write: (line) => console.log(line),
  });
  // No test at all is no success: it would hide a wrong filter or an empty checkout.
  Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
}
