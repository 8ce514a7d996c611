import { assert, assertEquals } from "@std/assert";
import { stripVTControlCharacters } from "node:util";
import { colored } from "./color.ts";

const TABLE = `bf16-autocast against float32
  character, T = 64  +0.00001 ± 0.00120  stable
  bpe:512, T = 64    +0.50000 ± 0.00120  degraded
  bpe:512, T = 128   NaN                 diverged at step 12

bf16-autocast: 1 stable, 1 degraded, 1 diverged of 3 settings.`;

Deno.test("colored() colors verdicts of tables and summaries, and keeps the text", () => {
  const text = colored(TABLE);
  assertEquals(stripVTControlCharacters(text), TABLE);
  assertEquals(text.split("\x1b[32mstable\x1b[39m").length, 3);
  assertEquals(text.split("\x1b[31mdegraded\x1b[39m").length, 3);
  assert(text.includes("\x1b[31mdiverged at step 12\x1b[39m"));
  assert(text.includes("\x1b[31mdiverged\x1b[39m of 3"));
  assertEquals(colored("V = 300: undecided: no pair"), "V = 300: \x1b[33mundecided\x1b[39m: no pair");
});

Deno.test("colored() colors failures, notes and bars, and no other words", () => {
  assertEquals(colored("failed: a1: exit 1"), "\x1b[31mfailed:\x1b[39m a1: exit 1");
  assertEquals(colored("run a1 (T = 8) failed: killed"), "run a1 (T = 8) \x1b[31mfailed:\x1b[39m killed");
  assertEquals(colored("note: a stable sort"), "\x1b[33mnote:\x1b[39m a stable sort");
  assertEquals(colored("x  ███░░"), "x  \x1b[36m███\x1b[39m░░");
  assertEquals(
    colored("Training is stable in 2 runs. Not failed:"),
    "Training is stable in 2 runs. Not failed:",
  );
});

Deno.test("colored() leaves JSON as it is", () => {
  const json = JSON.stringify({ sentence: "T = 64: stable: no gap" }, null, 2);
  assertEquals(colored(json), json);
});
