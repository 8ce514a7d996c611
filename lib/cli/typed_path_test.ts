import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { typedPath } from "./typed_path.ts";

Deno.test("typedPath() resolves a path by the folder in which it was typed, unless it exists only in the process's", async () => {
  const cwd = await Deno.makeTempDir(), elsewhere = await Deno.makeTempDir();
  try {
    const typed = join(cwd, "sub", "deep");
    await Deno.mkdir(join(typed, "texts"), { recursive: true });
    await Deno.mkdir(join(cwd, "runs"));
    for (const path of [join(typed, "own.txt"), join(cwd, "both.txt"), join(typed, "both.txt")]) {
      await Deno.writeTextFile(path, "x");
    }
    const cases: [path: string, want: string][] = [
      ["own.txt", "sub/deep/own.txt"],
      ["./own.txt", "sub/deep/own.txt"],
      ["both.txt", "sub/deep/both.txt"],
      ["new", "sub/deep/new"],
      ["../new", "sub/new"],
      ["../..", "."],
      ["runs", "runs"], // as in a command that losskit printed
      ["texts/*.txt", "sub/deep/texts/*.txt"],
      ["runs/*", "runs/*"],
      ["*.txt", "sub/deep/*.txt"],
      ["", ""],
      ["/abs", "/abs"],
    ];
    for (const [path, want] of cases) assertEquals(typedPath(path, { typed, cwd }), want, path);
    await Deno.writeTextFile(join(elsewhere, "theirs.txt"), "x");
    const other = { typed: elsewhere, cwd };
    assertEquals(typedPath("theirs.txt", other), join(elsewhere, "theirs.txt"));
    assertEquals(typedPath("both.txt", other), "both.txt");
    assertEquals(typedPath("new", other), "new");
  } finally {
    for (const folder of [cwd, elsewhere]) await Deno.remove(folder, { recursive: true });
  }
});
