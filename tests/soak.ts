/**
 * `deno task soak`: the fault tests at length: 1,000 kills, faults at every file operation, every prefix of a journal, and
 * 10,000 mutations of each kind of file.
 */
import { runTestFiles } from "./support/test_files.ts";

if (import.meta.main) {
  Deno.env.set("LOSSKIT_SOAK", "1");
  const { passed, failed } = await runTestFiles({
    roots: ["tests"],
    filters: ["fault", "fuzz", "fuzz_formats", "injection", "resume_prefix", "bit_flip"].map((name) =>
      `tests/${name}_test.ts`
    ),
    write: (line) => console.log(line),
    limit: 6 * 3_600_000,
  });
  Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
}
