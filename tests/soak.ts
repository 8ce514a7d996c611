/**
 * `deno task soak`: the fault tests at length: 1,000 kills, faults at every file operation, every prefix of a journal, and
 * 10,000 mutations of each kind of file, and error rates of statistics over 10,000 simulations.
 */
import { runTestFiles } from "./support/test_files.ts";

if (import.meta.main) {
  Deno.env.set("LOSSKIT_SOAK", "1");
  const { passed, failed } = await runTestFiles({
    roots: ["tests"],
    filters: [
      "/fault",
      "/fuzz",
      "/fuzz_formats",
      "/injection",
      "/resume_prefix",
      "/bit_flip",
      "_rates",
    ].map((name) => `${name}_test.ts`),
    shown: /^RATE /,
    write: (line) => console.log(line),
    limit: 6 * 3_600_000,
  });
  Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
}
