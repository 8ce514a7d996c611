import { assertEquals } from "@std/assert";
import { isModulePath, splitModulePath } from "./content_name.ts";

Deno.test("splitModulePath() separates the export from the file, also in folders with # in their names", () => {
  const paths: Record<string, [file: string, own: string | undefined]> = {
    "./model.ts": ["./model.ts", undefined],
    "./model.ts#block": ["./model.ts", "block"],
    "/a#b/model.ts": ["/a#b/model.ts", undefined],
    "/a#b/model.mts#block": ["/a#b/model.mts", "block"],
    "/a.ts#b/model.js": ["/a.ts#b/model.js", undefined],
    "/a.ts#b/model.js#c": ["/a.ts#b/model.js", "c"],
    "./model.ts#": ["./model.ts", ""],
  };
  for (const [path, [file, own]] of Object.entries(paths)) {
    assertEquals(splitModulePath(path), { file, own }, path);
    assertEquals(isModulePath(path), true, path);
  }
  for (const word of ["cosine", "/a#b", "/a.ts#b/tokenizer.json", "schedules@0123456789ab#restart"]) {
    assertEquals(isModulePath(word), false, word);
  }
});
