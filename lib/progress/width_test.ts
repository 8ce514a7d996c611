import { assertEquals, assertLessOrEqual } from "@std/assert";
import { clip, fitLine, widthOf } from "./width.ts";

Deno.test("widthOf() counts columns: wide letters and emoji are 2, combining marks 0", () => {
  assertEquals(["abc", "日本", "é", "e\u0301", "👩‍💻", ""].map(widthOf), [3, 4, 1, 1, 2, 0]);
});

Deno.test("clip() cuts between letters and marks the cut", () => {
  assertEquals([clip("abc", 3), clip("abcd", 3), clip("日本語", 5), clip("abc", 0)], [
    "abc",
    "ab…",
    "日本…",
    "",
  ]);
  assertEquals(clip("👩‍💻👩‍💻", 3), "👩‍💻…");
});

Deno.test("fitLine() shortens the name before steps, loss and time left, and then leaves out the last metrics", () => {
  const line = {
    name: "0123456789ab  bpe:32768, T 1024, bf16-autocast, seed 1",
    metrics: ["120 of 1000 steps", "loss 3.2100", "2 min 5 s left", "12345 tokens/s", "812 MB"],
  };
  const name = "0123456789ab  bpe:32768, T 1024, bf16-autocast, seed 1";
  assertEquals(fitLine(line, 130), `${name}: ${line.metrics.join(", ")}`);
  assertEquals(fitLine(line, 120), `${name}: 120 of 1000 steps, loss 3.2100, 2 min 5 s left, 12345 tokens/s`);
  assertEquals(
    fitLine(line, 80),
    "0123456789ab  bpe:32768, T 1024…: 120 of 1000 steps, loss 3.2100, 2 min 5 s left",
  );
  assertEquals(fitLine(line, 60), "0123456789a…: 120 of 1000 steps, loss 3.2100, 2 min 5 s left");
  assertEquals(fitLine(line, 50), "0123456789ab  bpe…: 120 of 1000 steps, loss 3.2100");
  assertEquals(fitLine({ name: "short", metrics: ["1 of 2"] }, 60), "short: 1 of 2");
  assertEquals(fitLine({ name: "\x1b[2J", metrics: ["1"] }, 60), "\uFFFD[2J: 1");
  for (let columns = 0; columns <= 130; columns++) {
    assertLessOrEqual(widthOf(fitLine(line, columns)), columns, String(columns));
  }
});

Deno.test("fitLine() draws a bar in the columns that remain, if it has a share and a finite width", () => {
  const line = { name: "small", metrics: ["5 of 10 steps"], share: 0.5 };
  assertEquals(fitLine(line, 60), `small: 5 of 10 steps  ${"█".repeat(10)}${"░".repeat(10)}`);
  assertEquals(fitLine(line, 30), `small: 5 of 10 steps  ${"█".repeat(4)}${"░".repeat(4)}`);
  assertEquals(fitLine(line, 29), "small: 5 of 10 steps");
  assertEquals(fitLine(line, Infinity), "small: 5 of 10 steps");
  assertEquals(fitLine({ ...line, share: NaN }, 60), `small: 5 of 10 steps  ${"░".repeat(20)}`);
});
