/**
 * Random calls of TF.js ops with almost valid arguments return results or throw errors. None ends the process.
 *
 * Run more calls with `deno run -A tests/tfjs/fuzz.ts SEED CALLS LOG`.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { fileURLToPath } from "node:url";

for (const seed of [1, 2, 3]) {
  Deno.test(`1,500 random calls of TF.js's ops return results or throw errors (seed ${seed})`, async () => {
    const log = await Deno.makeTempFile();
    try {
      const script = fileURLToPath(import.meta.resolve("./tfjs/fuzz.ts"));
      const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", "--quiet", script, `${seed}`, "1500", log],
        stdin: "null",
      }).output();
      const told = `${await Deno.readTextFile(log)}\n${new TextDecoder().decode(stderr).slice(-2000)}`;
      assertEquals({ code, signal }, { code: 0, signal: null }, told);
      const { ops, results, errors } = JSON.parse(
        new TextDecoder().decode(stdout).trim().split("\n").at(-1)!,
      );
      // Both kinds must occur: if all calls failed, the test would cover little.
      assertGreater(ops, 150);
      assertGreater(results, 200);
      assertGreater(errors, 200);
    } finally {
      await Deno.remove(log);
    }
  });
}
