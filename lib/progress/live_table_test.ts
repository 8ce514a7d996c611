import { assertEquals, assertStringIncludes } from "@std/assert";
import { RecordingFrontEnd } from "../../tests/support/front_end.ts";
import { createLiveTable } from "./live_table.ts";

function table(isTerminal: boolean, rows = 24) {
  let text = "", time = 0;
  const shown = createLiveTable({
    isTerminal,
    write: (more) => text += more,
    now: () => time,
    size: () => ({ columns: 20, rows }),
  });
  return {
    shown,
    wait: (milliseconds: number) => time += milliseconds,
    taken: () => {
      const taken = text;
      text = "";
      return taken;
    },
  };
}

Deno.test("createLiveTable() redraws its lines in place, and writes other lines above them", () => {
  const { shown, taken } = table(true);
  shown.update(["a", "b"]);
  assertEquals(taken(), "a\nb\n");
  shown.update(["c"]);
  assertEquals(taken(), "\x1b[2A\r\x1b[Jc\n");
  shown.log("told");
  assertEquals(taken(), "\x1b[1A\r\x1b[Jtold\nc\n");
  shown.finish("end");
  assertEquals(taken(), "\x1b[1A\r\x1b[Jend\n");
});

Deno.test("createLiveTable() clips lines to the terminal and removes control characters", () => {
  const { shown, taken } = table(true, 4);
  shown.update(["1", "2", "x".repeat(30), "\x1b[2Jsum"]);
  assertEquals(taken(), `${"x".repeat(18)}…\n\uFFFD[2Jsum\n`);
});

Deno.test("createLiveTable() colors bars and failures after it has cut the lines", () => {
  let text = "";
  const size = () => ({ columns: 40, rows: 24 });
  const options = { isTerminal: true, hasColors: true, write: (more: string) => text += more, size };
  const shown = createLiveTable(options);
  shown.update([{ name: "run", metrics: ["1 of 2"], share: 0.5 }]);
  assertEquals(text, `run: 1 of 2  \x1b[36m${"█".repeat(10)}\x1b[39m${"░".repeat(10)}\n`);
  shown.log("run a (b) failed: c");
  assertStringIncludes(text, "run a (b) \x1b[31mfailed:\x1b[39m c\n");
});

Deno.test("createLiveTable() writes the last line every few seconds without a terminal", () => {
  const { shown, taken, wait } = table(false);
  shown.update(["a", "sum 1"]);
  shown.update(["a", "sum 2"]);
  assertEquals(taken(), "sum 1\n");
  wait(5000);
  shown.update(["a", "sum 3"]);
  shown.log("told");
  shown.finish("end");
  assertEquals(taken(), "sum 3\ntold\nend\n");
});

Deno.test("createLiveTable() redraws one display in a notebook, at most four times a second, even after the front end closes", async () => {
  const notebook = new RecordingFrontEnd(), { sent } = notebook;
  let time = 0;
  const shown = createLiveTable({ notebook, now: () => time });
  for (; time < 600; time += 100) shown.update([`run at ${time}`, "\x1b[2Jsum"]);
  shown.log("told");
  shown.finish("end");
  const id = sent[0]![1];
  assertEquals(sent, [
    ["display_data", id, "run at 0\n\uFFFD[2Jsum"],
    ["update_display_data", id, "run at 300\n\uFFFD[2Jsum"],
    ["stream", undefined, "told\n"],
    ["update_display_data", id, "end"],
  ]);
  notebook.gone = true;
  shown.finish("nobody sees it");
  await Promise.resolve();
  notebook.gone = false;
  createLiveTable({ notebook }).update(["another"]);
  assertEquals([sent.at(-1)![0], sent.at(-1)![1] === id], ["display_data", false]);
});
