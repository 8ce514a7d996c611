import { assertEquals } from "@std/assert";
import { RecordingFrontEnd } from "../../tests/support/front_end.ts";
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
    "\rruns: 0 of 4 runs · first\rruns: 2 of 4 runs, 2 s left · b\rruns: 2 of 4 runs · b          \n",
  );
});

Deno.test("createProgress() stays within the terminal's width, erases longer text, and keeps other lines whole", () => {
  let text = "", columns = 20;
  const p = createProgress({
    label: "a long label",
    unit: "steps",
    isTerminal: true,
    write: (t) => text += t,
    now: () => 0,
    columns: () => columns,
  });
  p.update(123456);
  assertEquals(text, "\ra long label: 1234…");
  text = "";
  columns = 10;
  p.log("a line of any length");
  assertEquals(text, `\r${" ".repeat(9)}\ra line of any length\n\ra long l…`);
});

Deno.test("createProgress() replaces control characters in names", () => {
  let text = "";
  createProgress({ label: "\x1b[2Jx", unit: "runs", isTerminal: false, write: (t) => text += t }).update(
    1,
    "a\nb",
  );
  assertEquals(text, "�[2Jx: 1 runs · a�b\n");
});

Deno.test("createProgress() continues after standard error is closed", async () => {
  const code = `
    import { createProgress } from ${JSON.stringify(new URL("./progress.ts", import.meta.url).href)};
    for (const isTerminal of [true, false, undefined]) {
      const p = createProgress({ label: "x", unit: "steps", ...(isTerminal === undefined ? {} : { isTerminal }) });
      p.update(1);
      p.log("line");
      p.finish();
    }
    console.log("done");`;
  // A pipe whose reader has closed, and no file descriptor.
  for (const closing of ["2> >(exec <&-)", "2>&-"]) {
    const { code: status, stdout } = await new Deno.Command("bash", {
      args: ["-c", `sleep 0.1; exec "$0" eval --quiet --no-check "$1" ${closing}`, Deno.execPath(), code],
      env: { NO_COLOR: "1" },
      stderr: "null",
    }).output();
    assertEquals([status, new TextDecoder().decode(stdout)], [0, "done\n"]);
  }
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
    "x: 1.2 MB of 2.0 MB\n",
  ]);
});

Deno.test("createProgress() redraws one display in a notebook, at most four times a second, even after the front end closes", async () => {
  const notebook = new RecordingFrontEnd(), { sent } = notebook;
  let time = 0;
  const p = createProgress({ label: "training", total: 10, unit: "steps", notebook, now: () => time });
  for (; time < 600; time += 100) p.update(time / 100);
  p.log("hello");
  p.finish("loss 2.5");
  const id = sent[0]![1];
  assertEquals(sent, [
    ["display_data", id, "training: 0 of 10 steps"],
    ["update_display_data", id, "training: 3 of 10 steps, 1 s left"],
    ["stream", undefined, "hello\n"],
    ["update_display_data", id, "training: 5 of 10 steps · loss 2.5"],
  ]);
  notebook.gone = true;
  p.finish();
  await Promise.resolve();
  const other = createProgress({ label: "x", unit: "runs", notebook });
  notebook.gone = false;
  other.update(1);
  assertEquals(sent.at(-1)![1] === id, false);
});

Deno.test("formatBytes() and formatDuration() round", () => {
  assertEquals([0, 999, 1500, 274e6].map(formatBytes), ["0 B", "999 B", "1.5 kB", "274 MB"]);
  assertEquals([0.4, 59.6, 125, 12000].map(formatDuration), ["0 s", "1 min 0 s", "2 min 5 s", "3 h 20 min"]);
});
