import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { corpusText } from "./corpus.ts";
import { loadTextFiles } from "./text_files.ts";

/** Creates a folder of files, passes it to `use`, and removes it. */
function withFiles(files: Record<string, string | Uint8Array>, use: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    for (const [name, content] of Object.entries(files)) {
      Deno.mkdirSync(join(folder, name, ".."), { recursive: true });
      Deno.writeFileSync(
        join(folder, name),
        typeof content === "string" ? new TextEncoder().encode(content) : content,
      );
    }
    use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("loadTextFiles() loads a file, with its own name and checksum", () => {
  withFiles({ "own text.txt": "\ufeffabc" }, (folder) => {
    const corpus = loadTextFiles(join(folder, "own text.txt"));
    assertEquals([corpus.name, corpusText(corpus), corpus.bytes], ["own text.txt", "abc", 3]);
    // checksum of the unchanged file, from Python's hashlib
    assertEquals(corpus.sha256, "1c28dc3f1f804a1ad9c9b4b4cf5e2658d16ad4ed08e3020d04a8d2865018947c");
  });
});

Deno.test("loadTextFiles() loads all files of a folder in the order of paths, except empty and hidden ones", () => {
  const files = {
    "b.txt": "2",
    "a/z.txt": "1",
    "a/a.md": "0",
    "é.txt": "4",
    "Z.txt": "!",
    "empty": "",
    ".hidden": "no",
    ".git/x": "no",
    "c/d/e": "3",
  };
  withFiles(files, (folder) => {
    Deno.symlinkSync(folder, join(folder, "c", "loop")); // a cycle
    const corpus = loadTextFiles(folder);
    assertEquals(corpusText(corpus), "!0123" + "4");
    assertEquals(corpus.documents.length, 6);
    assertEquals(loadTextFiles(folder).sha256, corpus.sha256);
    Deno.symlinkSync(join(folder, "none"), join(folder, "d.txt")); // a dangling link is reported
    assertThrows(() => loadTextFiles(folder), UserError, 'd.txt", which cannot be opened');
  });
});

Deno.test("loadTextFiles() loads the matches of a pattern, unless a file has that very name", () => {
  withFiles(
    { "a/1.txt": "1", "a/2.txt": "2", "a/b/3.txt": "3", "a/4.md": "4", ".x/5.txt": "5" },
    (folder) => {
      const text = (pattern: string) => corpusText(loadTextFiles(join(folder, pattern)));
      assertEquals(text("a/*.txt"), "12");
      assertEquals(text("**/*.txt"), "123");
      assertEquals(text("a/{2.txt,4.md}"), "24");
      assertEquals(text("a/[12]*"), "12");
      assertEquals(text(".x/*.txt"), "5");
      assertEquals(loadTextFiles(join(folder, "a/*.txt")).name, "*.txt");
      Deno.writeTextFileSync(join(folder, "a", "[12].txt"), "brackets");
      assertEquals(text("a/[12].txt"), "brackets");
    },
  );
});

Deno.test("loadTextFiles() sorts a folder and its patterns alike: by code units of whole paths", () => {
  const files = {
    "a/x.txt": "4",
    "a.txt": "2",
    "a-b.txt": "1",
    "a/b/y.txt": "3",
    "B.txt": "0",
    "a0": "5",
    "é/1": "6",
  };
  withFiles(files, (folder) => {
    Deno.symlinkSync(join(folder, "a"), join(folder, "to-a")); // links to folders are skipped in both
    for (const path of [".", "**", "./**", "**/*", "{a,B,é}*/**", "{*,*/**}"]) {
      const { documents } = loadTextFiles(join(folder, path));
      const found = documents.map(({ read }) => new TextDecoder().decode(read(0, new Uint8Array(1)))).join(
        "",
      );
      assertEquals(found, path.startsWith("{a") ? "346" : "0123456", path);
    }
    assertEquals(loadTextFiles(join(folder, "**")).sha256, loadTextFiles(folder).sha256);
  });
});

Deno.test("loadTextFiles() reads pattern characters in the names of existing folders literally", () => {
  for (const name of ["data [1]", "{a,b}", "a*", "what?", "!no", "[!a]", "(x|y)", "+(z)", "[", "\\"]) {
    withFiles({ [`${name}/sub [2]/a.txt`]: "1", [`${name}/b.txt`]: "2", "data 1/c.txt": "no" }, (folder) => {
      assertEquals(corpusText(loadTextFiles(join(folder, name, "*.txt"))), "2", name);
      assertEquals(corpusText(loadTextFiles(join(folder, name, "**", "*.txt"))), "21", name);
      assertEquals(corpusText(loadTextFiles(join(folder, name, "sub [2]", "[a].txt"))), "1", name);
    });
  }
});

Deno.test("loadTextFiles() refuses a file that occurs twice, by a symbolic or a hard link", () => {
  for (const link of [Deno.symlinkSync, Deno.linkSync]) {
    withFiles({ "a.txt": "1", "b/c.txt": "2" }, (folder) => {
      link(join(folder, "a.txt"), join(folder, "b", "same.txt"));
      for (const path of [".", "**/*.txt"]) {
        const { message } = assertThrows(() => loadTextFiles(join(folder, path)), UserError);
        assertStringIncludes(message, 'b/same.txt" twice, also as "');
      }
      assertEquals(corpusText(loadTextFiles(join(folder, "b"))), "21");
    });
  }
});

Deno.test("loadTextFiles() has one checksum for equal texts in equal order, for any file names", () => {
  const sums: string[] = [];
  for (const names of [["a", "b"], ["x", "y"], ["b", "a"]] as const) {
    withFiles({ [names[0]]: "one", [names[1]]: "two" }, (folder) => sums.push(loadTextFiles(folder).sha256));
  }
  assertEquals([sums[0] === sums[1], sums[0] === sums[2]], [true, false]);
});

Deno.test("loadTextFiles() reports the fault and the file", () => {
  const files = {
    "empty.txt": "",
    "mark.txt": "\ufeff",
    "texts/a.txt": "fine",
    "texts/b.png": Uint8Array.of(0x89, 0x50, 0x4e, 0x47),
    "none/empty": "",
    "zeros": "a\0b",
    "utf16": Uint8Array.of(0xff, 0xfe, 0x61, 0),
  };
  withFiles(files, (folder) => {
    Deno.mkdirSync(join(folder, "bare"));
    const cases: [string, string][] = [
      ["empty.txt", 'empty.txt", which is empty'],
      ["mark.txt", 'mark.txt", which is empty'],
      ["texts", 'b.png", which has an invalid byte at byte offset 0 (0x89)'],
      ["zeros", "NUL byte at byte offset 1"],
      ["utf16", "is in UTF-16: convert it to UTF-8"],
      ["none", 'none", which has only empty files'],
      ["bare", 'bare", which has no files'],
      ["missing.txt", 'missing.txt", which does not exist'],
      ["texts/a.txt/b", "does not exist"],
      ["*.rst", '*.rst", which does not exist, and matches no file as a pattern'],
      ["a\0b", 'a\\u0000b", which cannot be opened'],
    ];
    for (const [path, message] of cases) {
      const { message: told } = assertThrows(() => loadTextFiles(join(folder, path)), UserError);
      assertStringIncludes(told, message);
    }
  });
  if (Deno.build.os !== "windows") assertThrows(() => loadTextFiles("/dev/zero"), UserError, "is a device");
});

Deno.test("loadTextFiles() reports a file that was truncated, or became binary, after it was checked", () => {
  withFiles({ "a.txt": "abcdef" }, (folder) => {
    const { documents: [document] } = loadTextFiles(join(folder, "a.txt"));
    Deno.writeTextFileSync(join(folder, "a.txt"), "abc");
    assertThrows(() => document!.read(0, new Uint8Array(6)), UserError, "truncated");
    Deno.removeSync(join(folder, "a.txt"));
    assertThrows(() => document!.read(0, new Uint8Array(3)), UserError, "cannot be read");
  });
});

Deno.test({
  name: "loadTextFiles() throws a UserError when reading is not permitted",
  permissions: { read: false },
  fn: async () => {
    const error = await assertRejects(
      () => Promise.try(() => loadTextFiles("some.txt")),
      UserError,
      "cannot be opened",
    );
    assertEquals(error.exitCode, 2);
  },
});
