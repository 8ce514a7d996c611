/**
 * `deno task test [FILTER...]`: every `*_test.ts` in a process of its own, and the true counts at the end.
 *
 * A native abort fails its file and not the run. Files that begin with the comment `// @heavy` run alone, since they
 * use every core; the others run two at a time.
 */
import { runTestFiles } from "./support/test_files.ts";

const ROOTS = ["lib", "data", "tests", "experiments"];

if (import.meta.main) {
  const outcome = await runTestFiles({
    roots: ROOTS,
    filters: Deno.args,
    write: (line) => console.log(line),
  });
  Deno.exit(outcome.failed > 0 || outcome.passed === 0 ? 1 : 0);
}
