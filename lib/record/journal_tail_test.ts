import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { JournalWriter } from "./journal.ts";
import { lastStep } from "./journal_tail.ts";

Deno.test("lastStep() finds the last complete step behind any amount of other data", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = join(folder, "journal.jsonl");
    assertEquals(lastStep(path), undefined);
    Deno.writeTextFileSync(path, "");
    assertEquals(lastStep(path), undefined);
    using writer = new JournalWriter(path, 0);
    writer.write({ event: "start", runId: "x", seed: 1 });
    assertEquals(lastStep(path), undefined);
    for (let step = 1; step <= 100; step++) {
      writer.write({
        event: "step",
        step,
        loss: step === 100 ? NaN : 1,
        lr: 1,
        gradNorm: 1,
        tokensPerSecond: 5,
      });
    }
    assertEquals(lastStep(path)?.step, 100);
    assertEquals(lastStep(path)?.loss, NaN);
    writer.write({ event: "fail", message: "é\n".repeat(20_000) });
    assertEquals(lastStep(path)?.step, 100);
    Deno.writeTextFileSync(path, '{"event":"step","step":101,"lo', { append: true });
    assertEquals(lastStep(path)?.step, 100);
    Deno.writeFileSync(path, new Uint8Array(9000).fill(255));
    assertEquals(lastStep(path), undefined);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
