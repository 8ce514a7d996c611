import { assert, assertEquals, assertThrows } from "@std/assert";
import { basename, join } from "node:path";
import { atomicWrite, removeLeftovers } from "./atomic_write.ts";

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("atomicWrite() writes text and bytes, replaces files, and leaves no temporary files", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = join(folder, "file");
    atomicWrite(path, "first");
    assertEquals(Deno.readTextFileSync(path), "first");
    atomicWrite(path, new Uint8Array([1, 2, 3]));
    assertEquals(Deno.readFileSync(path), new Uint8Array([1, 2, 3]));
    assertEquals(names(folder), ["file"]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("atomicWrite() gives a replacement of the same size a later second, so that rsync copies it", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = join(folder, "file");
    const second = () => Math.floor(Deno.statSync(path).mtime!.getTime() / 1000);
    let last = 0;
    for (let i = 0; i < 10; i++) {
      atomicWrite(path, `content ${i}`);
      assert(second() > last);
      last = second();
    }
    const begin = Math.floor(Date.now() / 1000);
    atomicWrite(path, "another size");
    assert(second() >= begin && second() <= Date.now() / 1000);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("atomicWrite() keeps the previous file, and leaves no temporary file, when it fails", () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(join(folder, "taken", "inner"), { recursive: true });
    assertThrows(() => atomicWrite(join(folder, "taken"), "text")); // a folder cannot be replaced by a file
    assertThrows(() => atomicWrite(join(folder, "missing", "file"), "text"), Deno.errors.NotFound);
    assertEquals(names(folder), ["taken"]);
    assertEquals(names(join(folder, "taken")), ["inner"]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("atomicWrite() removes the leftovers of killed writers of the same file, and no file that is being written", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const temporary = (name: string) => join(folder, `${name}.${crypto.randomUUID()}.tmp`);
    const left = temporary("file"), other = temporary("other"), written = temporary("file");
    for (const path of [left, other, written]) Deno.writeTextFileSync(path, "half");
    using file = Deno.openSync(written);
    file.lockSync(true);
    atomicWrite(join(folder, "file"), "whole");
    assertEquals(names(folder), ["file", ...[other, written].map((path) => basename(path))].sort());
    removeLeftovers(folder);
    assertEquals(names(folder), ["file", basename(written)]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
