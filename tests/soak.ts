/**
 * `deno task soak`: runs the long form of the fault tests: 1,000 kills, faults at every file operation, every prefix of a
 * journal, 10,000 mutations of each kind of file, and error rates of statistics over 10,000 simulations.
 */
import { command, runCommand } from "../lib/cli/command.ts";
import { TEST_STATUSES } from "./run.ts";
import { runTestFiles } from "./support/test_files.ts";

const FILES = [
  ...["/fault", "/fuzz", "/fuzz_formats", "/fuzz_models", "/fuzz_records", "/fuzz_flags", "/tokenizers_fuzz"],
  ...["/injection", "/resume_prefix", "/bit_flip", "_rates"],
];

const program = command(
  "soak",
  "Run the long form of the fault tests and of the simulations, for up to 6 hours.",
  TEST_STATUSES,
).action(async () => {
  Deno.env.set("LOSSKIT_SOAK", "1");
  const { passed, failed } = await runTestFiles({
    roots: ["tests"],
    filters: FILES.map((name) => `${name}_test.ts`),
    shown: /^(RATE|FUZZ) /,
    write: (line) => console.log(line),
    limit: 6 * 3_600_000,
  });
  Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
});

if (import.meta.main) await runCommand(program, Deno.args);
