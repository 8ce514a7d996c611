import { assertEquals, assertThrows } from "@std/assert";
import { OutputStore } from "./outputs.ts";

const shown = (text: string, id?: string) => ({
  data: { "text/plain": text },
  ...(id === undefined ? {} : { transient: { display_id: id } }),
});
const output = (text: string) => ({
  output_type: "display_data",
  data: { "text/plain": [text] },
  metadata: {},
});

Deno.test("OutputStore joins streams, keeps the order of outputs, and numbers results", () => {
  const store = new OutputStore(2);
  store.stream(0, "stdout", "a");
  store.stream(0, "stdout", "b\nc\n");
  store.stream(0, "stderr", "e");
  store.stream(0, "stderr", "");
  store.display(0, {
    data: { "application/json": { a: 1 }, "image/svg+xml": "<svg>\n</svg>" },
    metadata: { m: 1 },
  });
  store.result(1, { "text/plain": "3" });
  assertEquals(store.toOutputs(), [
    [
      { output_type: "stream", name: "stdout", text: ["ab\n", "c\n"] },
      { output_type: "stream", name: "stderr", text: ["e"] },
      {
        output_type: "display_data",
        data: { "application/json": { a: 1 }, "image/svg+xml": ["<svg>\n", "</svg>"] },
        metadata: { m: 1 },
      },
    ],
    [{ output_type: "execute_result", execution_count: 2, data: { "text/plain": ["3"] }, metadata: {} }],
  ]);
});

Deno.test("OutputStore updates displays by ID, also from another cell", () => {
  const store = new OutputStore(2);
  store.display(0, shown("one", "x"));
  store.display(1, shown("other", "y"));
  store.display(1, shown("two", "x"));
  store.update(shown("new", "x"));
  assertEquals(store.toOutputs(), [[output("new")], [output("other"), output("new")]]);
  assertThrows(() => store.update(shown("lost", "z")), Error, 'Cannot update the display "z"');
  assertThrows(() => store.update(shown("lost")), Error, "Cannot update the display");
});

Deno.test("OutputStore clears outputs immediately, or before the next output", () => {
  const store = new OutputStore(1);
  store.display(0, shown("a"));
  store.clear(0, true);
  assertEquals(store.toOutputs(), [[output("a")]]);
  store.display(0, shown("b"));
  assertEquals(store.toOutputs(), [[output("b")]]);
  store.clear(0, false);
  assertEquals(store.toOutputs(), [[]]);
});
