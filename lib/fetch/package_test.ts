import { assertEquals, assertMatch, assertRejects } from "@std/assert";
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

/** A pip that tells its version and, on `download`, does something to the folder after --dest, which is $2. */
function pip(name: string, work: string): string {
  return `case "$*" in *--version*) echo "pip 1 from ${name}"; exit 0;; esac
while [ "$1" != "--dest" ]; do shift; done
${work}`;
}

const BRING = `printf '%s' "${CONTENT}" > "$2/thing-1.0.whl"`;

/** What pip 23 says without a network, shortened. */
const OFFLINE =
  `echo "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<x>: \
Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/thing/" >&2
echo "ERROR: No matching distribution found for thing==1.0" >&2; exit 1`;

Deno.test("downloadPackage() takes the first client that brings the file", () =>
  withPrograms({ python3: "echo 'No module named pip' >&2; exit 1", uv: pip("uv", BRING) }, async (into) => {
    assertEquals(await Deno.readTextFile(await downloadPackage(FILE, into)), CONTENT);
    assertEquals([...Deno.readDirSync(into)].map(({ name }) => name), ["thing-1.0.whl"]);
  }));

Deno.test("downloadPackage() asks for the pinned file by name, version and hash, and names no index", () =>
  withPrograms({
    pip: pip(
      "here",
      `into=$2; echo "$*" > "$into/asked"; while [ "$1" != "-r" ]; do shift; done
read -r line < "$2"; echo "$line" > "$into/wanted"`,
    ),
  }, async (into) => {
    await assertRejects(() => downloadPackage(FILE, into), UserError);
    assertEquals(await Deno.readTextFile(join(into, "wanted")), `thing==1.0 --hash=sha256:${FILE.sha256}\n`);
    assertMatch(
      await Deno.readTextFile(join(into, "asked")),
      /^--dest \S+ --platform any --require-hashes -r \S+\n$/,
    );
  }));

Deno.test("downloadPackage() lists what each client said when the network is away, and asks no pip twice", () =>
  withPrograms({
    python3: pip("here", OFFLINE),
    pip3: pip("here", OFFLINE),
    pip: pip("there", "exit 7"),
  }, async (into) => {
    const { message } = await assertRejects(() => downloadPackage(FILE, into), UserError);
    assertEquals(message.split("\n"), [
      "Cannot fetch thing 1.0 (thing-1.0.whl). Tried:",
      "  python3 -m pip: ERROR: No matching distribution found for thing==1.0 (Temporary failure in name resolution)",
      "  python -m pip: not on this machine",
      "  pip3: the same as python3 -m pip",
      "  pip: it ended with an error and no word on it",
      "  uv tool run pip: not on this machine",
      "Connect to the network, or install pip or uv, and run the same command again.",
    ]);
    assertEquals([...Deno.readDirSync(into)], []);
  }));

Deno.test("downloadPackage() refuses another file than the pinned one, and goes on to the next client", () =>
  withPrograms({ pip3: pip("here", BRING.replace(CONTENT, "another file")) }, async (into) => {
    await assertRejects(
      () => downloadPackage(FILE, into),
      UserError,
      `brought must be ${FILE.sha256}: it is`,
    );
    assertEquals([...Deno.readDirSync(into)], []);
    await Deno.writeTextFile(join(into, "..", "bin", "pip"), `#!/bin/sh\n${pip("there", BRING)}\n`, {
      mode: 0o755,
    });
    assertEquals(await Deno.readTextFile(await downloadPackage(FILE, into)), CONTENT);
  }));

Deno.test("downloadPackage() says when a client ends well without the file", () =>
  withPrograms({ pip: pip("here", "exit 0") }, async (into) => {
    await assertRejects(() => downloadPackage(FILE, into), UserError, "pip: it ended without the file");
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
