import { assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { requireFilePath, writeFile } from "./write_file.ts";

Deno.test("requireFilePath() refuses folders, devices and paths below files, and creates nothing", () => {
  const dir = Deno.makeTempDirSync(), file = join(dir, "file");
  try {
    writeFile(file, "text");
    const below = `a path below the file ${file}`;
    for (
      const [path, got] of [
        [dir, "a folder"],
        ["/dev/null", "a device or pipe"],
        [join(file, "x.html"), below],
        [join(file, "y", "x.html"), below],
      ] as const
    ) {
      assertThrows(
        () => requireFilePath(path),
        UserError,
        `Cannot write ${path}: expected a path for a file, got ${got}.`,
      );
    }
    for (const path of [file, join(dir, "new.html"), join(dir, "a", "b", "new.html"), "new.html"]) {
      requireFilePath(path);
    }
    assertEquals([...Deno.readDirSync(dir)].map(({ name }) => name), ["file"]);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
