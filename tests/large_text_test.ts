// @heavy
/**
 * A large text is encoded, cached and sampled in bounded memory.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { join } from "node:path";
import { randomProse } from "../lib/text/_testing.ts";
import { createRandom } from "../lib/text/mod.ts";
import { capture } from "./support/python.ts";

const SCRIPT = new URL("./support/prepare_large.ts", import.meta.url).pathname;
const CONFIG = new URL("../deno.json", import.meta.url).pathname;

/** Writes about `bytes` bytes of prose in chapters. Returns the exact number. */
function writeText(path: string, bytes: number): number {
  const prose = new TextEncoder().encode(randomProse(createRandom(1, "large"), 60_000));
  using file = Deno.createSync(path);
  let written = 0;
  for (let chapter = 1; written < bytes; chapter++) {
    const heading = new TextEncoder().encode(`\nChapter ${chapter}\n`);
    for (const part of [heading, prose]) {
      for (let at = 0; at < part.length;) at += file.writeSync(part.subarray(at));
      written += part.length;
    }
  }
  return written;
}

Deno.test({
  name: "a text of 256 MB is encoded, cached and sampled in less memory than its size",
  ignore: Deno.build.os !== "linux", // only Linux reports the peak memory of a process
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const peaks: number[] = [];
      let written = 0;
      for (const size of [8e6, 256e6]) {
        const path = join(folder, "text.txt");
        written = writeText(path, size);
        const args = [
          "run",
          "-A",
          "--no-check",
          "--quiet",
          "--config",
          CONFIG,
          SCRIPT,
          path,
          join(folder, "cache"),
        ];
        const result = JSON.parse(await capture(Deno.execPath(), [...args, "byte"], { NO_COLOR: "1" }));
        assertEquals([result.tokens, result.right], [written, true]);
        peaks.push(result.peak);
      }
      const [small, large] = peaks as [number, number];
      // Both processes have the same base memory. The text and its tokens would add 512 MB.
      assertLess(large - small, written - 8e6);
      assert(small > 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
