import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { createTarGzip } from "nanotar";
import { UserError } from "../error/user_error.ts";
import { exists } from "../file/exists.ts";
import { shellWord } from "../file/shell_word.ts";
import { downloadPackage, type PackageFile } from "./package.ts";
import { unpackWheel } from "./wheel.ts";
import { BlobWriter, TextReader, ZipWriter } from "@zip.js/zip.js";

const CONTENT = "a package's file";

function fileOf(bytes: Uint8Array | string, filename: string, args: string[] = []): PackageFile {
  const [name, version] = ["thing", "1.0"];
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { name, version, filename, sha256, bytes: bytes.length, args };
}

const WHEEL = "thing-1.0-cp312-cp312-manylinux2014_x86_64.whl";
const FILE = fileOf(CONTENT, WHEEL, [
  ...["--only-binary=:all:", "--platform", "manylinux2014_x86_64"],
  ...["--python-version", "3.12", "--implementation", "cp"],
]);

const PYTHON = (await new Deno.Command("python3", { args: ["-I", "-c", "import sys; print(sys.executable)"] })
  .output()).stdout;
const REAL = new TextDecoder().decode(PYTHON).trim();

/** A package index on the loopback address, with one package `thing`. */
interface Index extends AsyncDisposable {
  url: string;
  /** Requested paths. */
  asked: string[];
}

function serveIndex(files: Record<string, Uint8Array | string>): Index {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    const name = decodeURIComponent(pathname.split("/").at(-1)!);
    if (pathname === "/simple/thing/") {
      const links = Object.keys(files).map((file) => `<a href="/files/${file}">${file}</a>`);
      return new Response(`<!DOCTYPE html><html><body>${links.join("")}</body></html>`, {
        headers: { "content-type": "text/html" },
      });
    }
    const body = pathname.startsWith("/files/") ? files[name] : undefined;
    return body === undefined
      ? new Response("none", { status: 404 })
      : new Response(body as string, { headers: { "content-type": "application/octet-stream" } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/simple`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Runs in a temporary folder, with only the given programs on the PATH and pip configured for an index. */
async function withPrograms(
  { programs, index }: { programs: Record<string, string>; index: string },
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const [cwd, before] = [Deno.cwd(), Deno.env.toObject()];
  try {
    const bin = join(folder, "bin");
    await Deno.mkdir(bin);
    for (const [name, script] of Object.entries(programs)) {
      await Deno.writeTextFile(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    await Deno.mkdir(join(folder, "into"));
    for (const name of Object.keys(before).filter((name) => /^(PIP|UV)_|_proxy$/i.test(name))) {
      Deno.env.delete(name);
    }
    await Deno.writeTextFile(join(folder, "pip.conf"), `[global]\nindex-url = ${index}\n`);
    Deno.env.set("PIP_CONFIG_FILE", join(folder, "pip.conf"));
    Deno.env.set("PATH", bin);
    await work(join(folder, "into"));
  } finally {
    Deno.chdir(cwd);
    for (const name of Object.keys(Deno.env.toObject())) if (!(name in before)) Deno.env.delete(name);
    for (const [name, value] of Object.entries(before)) Deno.env.set(name, value);
    await Deno.remove(folder, { recursive: true });
  }
}

const python3 = `exec ${shellWord(REAL)} "$@"`;

/** Returns a source package whose `setup.py`, backend and files leave a trace if they are run. */
async function hostilePackage(trace: string): Promise<Uint8Array> {
  const touch = `open(${JSON.stringify(trace)}, "a").write("ran\\n")\n`;
  return await createTarGzip([
    { name: "thing-1.0/PKG-INFO", data: "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n" },
    {
      name: "thing-1.0/setup.py",
      data: `${touch}from setuptools import setup\nsetup(name="thing", version="1.0")\n`,
    },
    { name: "thing-1.0/backend.py", data: touch },
    {
      name: "thing-1.0/pyproject.toml",
      data: '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    },
  ]);
}

Deno.test("downloadPackage() runs no code of a source package, and fetches no other distribution", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const trace = join(folder, "trace");
    const bytes = await hostilePackage(trace);
    const file = fileOf(bytes, "thing-1.0.tar.gz", ["--no-binary=thing"]);
    await using index = serveIndex({ [file.filename]: bytes, "thing-1.0-py3-none-any.whl": "a wheel" });
    await withPrograms({ programs: { python3 }, index: index.url }, async (into) => {
      assertEquals(await Deno.readFile(await downloadPackage(file, into)), bytes);
      assertEquals([...Deno.readDirSync(into)].map(({ name }) => name), [file.filename]);
      assertEquals(exists(trace), false);
      assertEquals(index.asked, ["/simple/thing/", `/files/${file.filename}`]);
      // The package is indeed hostile: pip's own download runs it.
      await new Deno.Command(REAL, {
        args: [
          "-I",
          "-m",
          "pip",
          "download",
          "--no-deps",
          "--no-binary=:all:",
          "--no-build-isolation",
          "--dest",
          folder,
          "thing",
        ],
        stdout: "null",
        stderr: "null",
      }).output();
      assertEquals(exists(trace), true);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("downloadPackage() fetches from a folder of links in pip's configuration", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(folder, WHEEL), CONTENT);
    await withPrograms({ programs: { python3 }, index: "http://127.0.0.1:9/simple" }, async (into) => {
      Deno.env.set("PIP_NO_INDEX", "1");
      Deno.env.set("PIP_FIND_LINKS", folder);
      assertEquals(await Deno.readTextFile(await downloadPackage(FILE, into)), CONTENT);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("downloadPackage() runs no module of the current folder or of PYTHONPATH", async () => {
  await using index = serveIndex({ [WHEEL]: CONTENT });
  await withPrograms({ programs: { python3 }, index: index.url }, async (into) => {
    const planted = join(into, "..", "planted"), trace = join(into, "..", "trace");
    await Deno.mkdir(planted);
    for (const name of ["pip", "json", "site", "sitecustomize", "usercustomize", "os"]) {
      await Deno.writeTextFile(join(planted, `${name}.py`), `open(${JSON.stringify(trace)}, "w")\n`);
    }
    Deno.chdir(planted);
    Deno.env.set("PYTHONPATH", planted);
    assertEquals(await Deno.readTextFile(await downloadPackage(FILE, into)), CONTENT);
    assertEquals(exists(trace), false);
  });
});

Deno.test("downloadPackage() refuses a file other than the pinned one, and removes it", async () => {
  await using index = serveIndex({ [WHEEL]: "another file" });
  await withPrograms({ programs: { python3 }, index: index.url }, async (into) => {
    await assertRejects(
      () => downloadPackage(FILE, into),
      UserError,
      `expected a file with SHA-256 ${FILE.sha256}, got`,
    );
    assertEquals([...Deno.readDirSync(into)], []);
  });
});

Deno.test("downloadPackage() lists the failure of each Python, and tries no pip twice", async () => {
  await using index = serveIndex({ "thing-2.0.tar.gz": "x" });
  const programs = { python3, python: python3, uv: "echo 'error: uv is broken' >&2; exit 1" };
  await withPrograms({ programs, index: index.url }, async (into) => {
    const { message } = await assertRejects(() => downloadPackage(FILE, into), UserError);
    assertEquals(message.split("\n"), [
      `Cannot fetch thing 1.0 (${WHEEL}). Tried:`,
      "  python3 -m pip: ERROR: No matching distribution found for thing==1.0",
      "  python -m pip: the same as python3 -m pip",
      "  uv: error: uv is broken",
      "Connect to the network, or install pip for python3, or uv, and run the same command again.",
    ]);
    assertEquals([...Deno.readDirSync(into)], []);
  });
});

Deno.test("downloadPackage() reports the network's fault, and distinguishes a Python without pip from a missing one", async () => {
  const programs = { python3, python: "echo 'No module named pip' >&2; exit 1" };
  await withPrograms({ programs, index: "http://127.0.0.1:9/simple" }, async (into) => {
    Deno.env.set("PIP_RETRIES", "1");
    const { message } = await assertRejects(() => downloadPackage(FILE, into), UserError);
    assertMatch(message, /python3 -m pip: ERROR: No matching .* \(Connection refused\)\n/);
    assertMatch(message, /python -m pip: No module named pip\n {2}uv: not on this machine\n/);
  });
});

Deno.test("downloadPackage() lets uv create a Python, with a pip that is pinned by its hash", async () => {
  await using index = serveIndex({ [WHEEL]: CONTENT });
  // A substitute for uv: creates an environment with the machine's Python, and records what it was asked to install.
  const uv = `case "$1" in
venv) exec ${shellWord(REAL)} -I -m venv "$3" ;;
pip) shift 5; echo "$1" > "$ASKED"; shift; while read -r line; do echo "$line"; done < "$2" >> "$ASKED" ;;
esac`;
  await withPrograms({ programs: { uv }, index: index.url }, async (into) => {
    const asked = join(into, "..", "asked");
    Deno.env.set("ASKED", asked);
    assertEquals(await Deno.readTextFile(await downloadPackage(FILE, into)), CONTENT);
    assertMatch(
      await Deno.readTextFile(asked),
      /^--require-hashes\npip==[0-9.]+ --hash=sha256:[0-9a-f]{64}\n$/,
    );
  });
});

Deno.test("unpackWheel() extracts the requested members, and names a missing one", async () => {
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
      "expected the member no/such",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
