import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { join } from "node:path";
import { sha256Hex } from "./sha256.ts";
import { PACKAGE_FOLDER, packageFolder } from "../file/package.ts";
import { hashSources, sourceHashes, sourcesHash } from "./sources.ts";

Deno.test("hashSources() depends on names and contents of sources only", () => {
  const folder = Deno.makeTempDirSync();
  const write = (name: string, text: string) => Deno.writeTextFileSync(join(folder, name), text);
  try {
    Deno.mkdirSync(join(folder, "inner"));
    write("a.ts", "1");
    write("inner/b.ts", "2");
    const hash = hashSources(folder);
    assertMatch(hash, /^[0-9a-f]{64}$/);
    write("a_test.ts", "test");
    write("notes.md", "notes");
    assertEquals(hashSources(folder), hash);
    write("inner/b.ts", "3");
    assertNotEquals(hashSources(folder), hash);
    write("inner/b.ts", "2");
    assertEquals(hashSources(folder), hash);
    Deno.renameSync(join(folder, "inner/b.ts"), join(folder, "b.ts"));
    assertNotEquals(hashSources(folder), hash);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("hashSources() is the same for a package whose specifiers have versions", () => {
  const folder = Deno.makeTempDirSync(), path = join(folder, "a.ts");
  try {
    const hashes = ['"valibot"', '"npm:valibot@1.5.0"', '"npm:/valibot@1.5.0"', '"npm:zod@1.5.0"'].map(
      (name) => {
        Deno.writeTextFileSync(path, `import * as v from ${name};\n`);
        return hashSources(folder);
      },
    );
    assertEquals([hashes[1], hashes[2]], [hashes[0], hashes[0]]);
    assertNotEquals(hashes[3], hashes[0]);
    Deno.writeTextFileSync(path, 'import "@a/b/c.js";\n');
    const scoped = hashSources(folder);
    Deno.writeTextFileSync(path, 'import "npm:/@a/b@4.22.0/c.js";\n');
    assertEquals(hashSources(folder), scoped);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("sourcesHash() hashes lib, or one of its folders", () => {
  const lib = join(PACKAGE_FOLDER!, "lib");
  assertEquals(packageFolder("test"), PACKAGE_FOLDER);
  assertEquals(sourcesHash(), hashSources(lib));
  assertEquals(sourcesHash("text"), hashSources(join(lib, "text")));
  assertEquals(Object.keys(sourceHashes(lib)).includes("record/sources.ts"), true);
});

/** Serves two files, and runs a program that imports sources.ts from them. */
async function imported(list: Record<string, string>, program: string): Promise<string> {
  const lib = new URL("../", import.meta.url);
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const name = new URL(request.url).pathname.replace("/lib/", "");
    if (name !== "record/sources.json") {
      const headers = { "content-type": "application/typescript" };
      return new Response(await Deno.readFile(new URL(name, lib)), { headers });
    }
    return Response.json(list);
  });
  const url = `http://127.0.0.1:${server.addr.port}/lib/record/sources.ts`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-config", `import * as sources from "${url}";\n${program}`],
    env: { NO_COLOR: "1", DENO_DIR: Deno.makeTempDirSync() },
  }).output();
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  return text.replaceAll(/:\d{4,5}\//g, ":PORT/");
}

Deno.test("a module from a URL takes the hashes from the package's list", async () => {
  const list = { "a.ts": "11", "text/b.ts": "22", "text/c.ts": "33" };
  const shown = await imported(list, 'console.log(sources.sourcesHash(), sources.sourcesHash("text"));');
  const hashes = [["a.ts 11", "text/b.ts 22", "text/c.ts 33"], ["b.ts 22", "c.ts 33"]]
    .map((lines) => sha256Hex(lines.map((line) => `${line}\n`).join("")));
  assertEquals(shown, `${hashes.join(" ")}\n`);
});

Deno.test("a module from a URL without the list says what it lacks", async () => {
  const program = "console.log(sources.sourcesHash());";
  assertMatch(
    await imported({}, program),
    /UserError: Cannot identify the code of losskit: expected hashes in http:\/\/127\.0\.0\.1:PORT\/lib\/record\/sources\.json, got none/,
  );
});
