import { assertEquals } from "@std/assert";
import { createProgress, formatBytes, formatDuration } from "./progress.ts";

Deno.test("createProgress() redraws one line on a terminal, at most ten times a second", () => {
  let text = "", time = 0;
  const p = createProgress({
    label: "runs",
    total: 4,
    unit: "runs",
    isTerminal: true,
    write: (t) => text += t,
    now: () => time,
  });
  p.update(0, "first");
  time = 50;
  p.update(1);
  time = 1000;
  p.update(2, "b");
  p.finish();
  assertEquals(
    text,
    "\rruns: 0 of 4 runs · first\rruns: 2 of 4 runs, 1 s left · b\rruns: 2 of 4 runs, 1 s left · b\n",
  );
});

Deno.test("createProgress() writes plain lines elsewhere, at most one in five seconds", () => {
  const lines: string[] = [];
  let time = 0;
  const p = createProgress({
    label: "x",
    total: 2e6,
    unit: "bytes",
    isTerminal: false,
    write: (t) => lines.push(t),
    now: () => time,
  });
  for (; time < 12000; time += 100) p.update(time * 100);
  p.log("hello");
  p.finish();
  assertEquals(lines, [
    "x: 0 B of 2.0 MB\n",
    "x: 500 kB of 2.0 MB, 15 s left\n",
    "x: 1.0 MB of 2.0 MB, 10 s left\n",
    "hello\n",
    "x: 1.2 MB of 2.0 MB, 8 s left\n",
  ]);
});

Deno.test("formatBytes() and formatDuration() round for a reader", () => {
  assertEquals([0, 999, 1500, 274e6].map(formatBytes), ["0 B", "999 B", "1.5 kB", "274 MB"]);
  assertEquals([0.4, 59.6, 125, 12000].map(formatDuration), ["0 s", "1 min 0 s", "2 min 5 s", "3 h 20 min"]);
});
