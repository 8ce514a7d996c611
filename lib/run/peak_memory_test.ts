import { assert, assertEquals } from "@std/assert";
import { measurePeakMemory, peakBytes } from "./peak_memory.ts";

const MB = 1e6, LINUX = Deno.build.os === "linux";

Deno.test({
  name: "measurePeakMemory() measures each interval alone, also after a larger one",
  ignore: !LINUX,
  fn: () => {
    const memory = measurePeakMemory();
    const base = memory.take()!;
    new Uint8Array(300 * MB).fill(1).buffer.transfer(0); // frees the memory at once
    const large = memory.take()!, rest = memory.take()!;
    assert(large > base + 250 * MB, `${base} ${large}`);
    assert(rest < large - 250 * MB, `${large} ${rest}`);
  },
});

Deno.test("memory is unknown without the permission to read it", async () => {
  const module = import.meta.resolve("./peak_memory.ts");
  const code = `import { measurePeakMemory, peakBytes } from ${JSON.stringify(module)};
const memory = measurePeakMemory();
console.log(peakBytes(), memory.take(), memory.take());`;
  const path = Deno.makeTempFileSync({ suffix: ".ts" });
  Deno.writeTextFileSync(path, code);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", "--allow-write", "--no-check", "--no-config", path],
  }).output();
  Deno.removeSync(path);
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stdout), "undefined undefined undefined\n", decoder.decode(stderr));
  assertEquals(typeof peakBytes(), LINUX ? "number" : "undefined");
});
