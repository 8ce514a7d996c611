import { assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { openOwnFile } from "./own_file.ts";

Deno.test("openOwnFile() creates, opens and appends, and refuses links, folders and pipes", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = join(folder, "file"), target = join(folder, "target");
    const append = (text: string) => {
      using file = openOwnFile(path, { append: true });
      file.writeSync(new TextEncoder().encode(text));
    };
    append("one ");
    append("two");
    openOwnFile(path).close();
    assertEquals(Deno.readTextFileSync(path), "one two");

    Deno.writeTextFileSync(target, "precious");
    const places: [string, (path: string) => void, string][] = [
      ["link", (path) => Deno.symlinkSync(target, path), "a symbolic link"],
      ["dangling", (path) => Deno.symlinkSync(join(folder, "new"), path), "a symbolic link"],
      ["folder", (path) => Deno.mkdirSync(path), "a folder"],
      ["pipe", (path) => new Deno.Command("mkfifo", { args: [path] }).outputSync(), "a device or pipe"],
    ];
    for (const [name, plant, found] of places) {
      const planted = join(folder, name);
      plant(planted);
      for (const append of [false, true]) {
        assertThrows(
          () => openOwnFile(planted, { append }),
          UserError,
          `expected a regular file, got ${found}`,
        );
      }
    }
    assertEquals(Deno.readTextFileSync(target), "precious");
    assertThrows(() => Deno.statSync(join(folder, "new")), Deno.errors.NotFound);
    assertThrows(() => openOwnFile(join(folder, "missing", "file")), Deno.errors.NotFound);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
