import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { cacheDir, ensureFolder } from "./cache.ts";
import { createHash } from "node:crypto";

const CONTENT = "what is wanted";
const FILES = {
  "a.txt": { sha256: createHash("sha256").update(CONTENT).digest("hex"), bytes: CONTENT.length },
};

async function inTemporary(work: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(join(folder, "cache", "thing"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Returns a build function that counts its calls. */
function builder(content = CONTENT) {
  const made = {
    count: 0,
    build: async (into: string) => {
      made.count++;
      await Deno.writeTextFile(join(into, "a.txt"), content);
    },
  };
  return made;
}

const silent = () => {};

Deno.test("cacheDir() follows LOSSKIT_CACHE, then the system", () => {
  const env = (values: Record<string, string>) => (name: string) => values[name];
  assertEquals(cacheDir(env({ LOSSKIT_CACHE: "/c", HOME: "/h" }), "linux"), "/c");
  assertEquals(cacheDir(env({ HOME: "/h", XDG_CACHE_HOME: "/x" }), "linux"), "/x/losskit");
  assertEquals(cacheDir(env({ HOME: "/h" }), "linux"), "/h/.cache/losskit");
  assertEquals(cacheDir(env({ HOME: "/h" }), "darwin"), "/h/Library/Caches/losskit");
});

Deno.test("ensureFolder() builds once", () =>
  inTemporary(async (path) => {
    const made = builder();
    for (let i = 0; i < 3; i++) {
      assertEquals(await ensureFolder({ path, files: FILES, build: made.build, warn: silent }), path);
    }
    assertEquals([made.count, await Deno.readTextFile(join(path, "a.txt"))], [1, CONTENT]);
  }));

Deno.test("ensureFolder() keeps a touched file, and rebuilds a changed, a truncated and a missing one", () =>
  inTemporary(async (path) => {
    const made = builder();
    const ensure = (warn: (line: string) => void = silent) =>
      ensureFolder({ path, files: FILES, build: made.build, warn });
    await ensure();
    await Deno.utime(join(path, "a.txt"), new Date(0), new Date(0));
    await ensure();
    assertEquals(made.count, 1);
    for (const damage of ["what is wantex", "what is", undefined]) {
      const before = made.count;
      if (damage === undefined) await Deno.remove(join(path, "a.txt"));
      else await Deno.writeTextFile(join(path, "a.txt"), damage);
      let warned = "";
      await ensure((line) => warned += line);
      assertStringIncludes(warned, "is damaged");
      assertEquals([made.count, await Deno.readTextFile(join(path, "a.txt"))], [before + 1, CONTENT]);
    }
  }));

Deno.test("ensureFolder() compares only sizes and times, once a stamp is older than the clock's resolution", () =>
  inTemporary(async (path) => {
    const made = builder();
    const file = join(path, "a.txt"), stamp = join(path, "stamp.json"), past = new Date(1e12);
    const ensure = () => ensureFolder({ path, files: FILES, build: made.build, warn: silent });
    await ensure();
    await Deno.utime(file, past, past);
    await ensure(); // hashes, and writes a stamp that will be trusted
    await Deno.writeTextFile(file, "what is wantex");
    await Deno.utime(file, past, past); // an undetectable change
    await ensure();
    assertEquals([made.count, await Deno.readTextFile(file)], [1, "what is wantex"]);

    // The same for a file changed just before it was verified: such a stamp is not trusted.
    const written = JSON.parse(await Deno.readTextFile(stamp));
    await Deno.writeTextFile(stamp, JSON.stringify({ ...written, checked: past.getTime() + 1000 }));
    await ensure();
    assertEquals([made.count, await Deno.readTextFile(file)], [2, CONTENT]);
  }));

Deno.test("ensureFolder() does not trust a stamp of other checksums", () =>
  inTemporary(async (path) => {
    await ensureFolder({ path, files: FILES, build: builder().build, warn: silent });
    await Deno.utime(join(path, "a.txt"), new Date(0), new Date(0));
    await ensureFolder({ path, files: FILES, build: builder().build, warn: silent });
    const other = builder("what is wantee");
    const files = {
      "a.txt": { sha256: createHash("sha256").update("what is wantee").digest("hex"), bytes: CONTENT.length },
    };
    await ensureFolder({ path, files, build: other.build, warn: silent });
    assertEquals(other.count, 1);
  }));

Deno.test("ensureFolder() uses an intact folder in a read-only cache, and reports a damaged one", () =>
  inTemporary(async (path) => {
    const made = builder();
    const ensure = () => ensureFolder({ path, files: FILES, build: made.build, warn: silent });
    await Deno.mkdir(`${path}.lock`, { recursive: true }); // a folder where the lock should be: it cannot be opened
    const error = await assertRejects(ensure, UserError, `Cannot write the cache folder ${path}: `);
    assertStringIncludes(error.message, "Set LOSSKIT_CACHE to a writable folder");
    await Deno.mkdir(path);
    await made.build(path);
    assertEquals(await ensure(), path);
    await Deno.writeTextFile(join(path, "a.txt"), "short");
    await assertRejects(ensure, UserError, "which is damaged (expected 14 bytes in a.txt, got 5)");
  }));

Deno.test("ensureFolder() states the remedy if the cache is under a file, and if the disk is full", () =>
  inTemporary(async (path) => {
    const parent = join(path, "..");
    await Deno.writeTextFile(parent, "a file");
    const ensure = (build: () => Promise<void>) => ensureFolder({ path, files: FILES, build, warn: silent });
    await assertRejects(() => ensure(() => Promise.resolve()), UserError, "Cannot write the cache folder");
    await Deno.remove(parent);
    const full = Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
    await assertRejects(() => ensure(() => Promise.reject(full)), UserError, "No space left on device. Set");
    await assertRejects(() => ensure(() => Promise.reject(new TypeError("a bug"))), TypeError);
  }));

Deno.test("ensureFolder() states how to install a folder by hand if it cannot be fetched", () =>
  inTemporary(async (path) => {
    const build = () => Promise.reject(new UserError("no network"));
    await assertRejects(
      () => ensureFolder({ path, files: FILES, build, warn: silent }),
      UserError,
      `no network\nAlternatively, copy ${path} from another machine.`,
    );
  }));

Deno.test("ensureFolder() reports both faults when a damaged folder cannot be fetched again", () =>
  inTemporary(async (path) => {
    await ensureFolder({ path, files: FILES, build: builder().build, warn: silent });
    await Deno.writeTextFile(join(path, "a.txt"), "what is wantex");
    const build = () => Promise.reject(new UserError("no network"));
    const error = await assertRejects(
      () => ensureFolder({ path, files: FILES, build, warn: silent }),
      UserError,
    );
    assertStringIncludes(error.message, "expected SHA-256");
    assertStringIncludes(error.message, "no network");
  }));

Deno.test("ensureFolder() leaves nothing behind when a build fails or produces the wrong file", () =>
  inTemporary(async (path) => {
    for (
      const build of [() => Promise.reject(new UserError("no network")), builder("something else").build]
    ) {
      await assertRejects(() => ensureFolder({ path, files: FILES, build, warn: silent }), UserError);
      assertEquals([...Deno.readDirSync(join(path, ".."))].map(({ name }) => name), ["thing.lock"]);
    }
  }));

Deno.test("ensureFolder() reports that it waits for another process, and uses its result", () =>
  inTemporary(async (path) => {
    const made = builder();
    await Deno.mkdir(join(path, ".."), { recursive: true });
    const other = await Deno.open(`${path}.lock`, { create: true, write: true });
    await other.lock(true);
    const waiting = Promise.withResolvers<string>();
    const folder = ensureFolder({ path, files: FILES, build: made.build, warn: waiting.resolve });
    assertStringIncludes(await waiting.promise, `waiting for another process that is building ${path}`);
    await Deno.mkdir(path);
    await builder().build(path);
    other.close();
    assertEquals([await folder, made.count], [path, 0]);
  }));

/** Starts a process that builds slowly, and prints a line per step. */
function startBuilder(path: string, marks: string): Deno.ChildProcess {
  const code = `
    import { ensureFolder } from ${JSON.stringify(new URL("./cache.ts", import.meta.url).href)};
    await ensureFolder({ path: ${JSON.stringify(path)}, files: ${
    JSON.stringify(FILES)
  }, warn() {}, build: async (into) => {
      Deno.writeTextFileSync(into + "/a.txt", "what");
      Deno.writeTextFileSync(${JSON.stringify(marks)}, "x", { append: true });
      await new Promise((resolve) => setTimeout(resolve, 1000));
      Deno.writeTextFileSync(into + "/a.txt", ${JSON.stringify(CONTENT)});
    }});`;
  return new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--quiet",
      "--no-check",
      `--config=${new URL("../../deno.json", import.meta.url).pathname}`,
      code,
    ],
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

Deno.test("ensureFolder() survives a killed build, and concurrent processes", () =>
  inTemporary(async (path) => {
    const marks = `${path}.marks`;
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(marks, "");
    const killed = startBuilder(path, marks);
    while (await Deno.readTextFile(marks) === "") await new Promise((resolve) => setTimeout(resolve, 20));
    killed.kill("SIGKILL");
    await killed.status;
    const left = [...Deno.readDirSync(join(path, ".."))].map(({ name }) => name);
    assertEquals(left.filter((name) => name === "thing"), []);

    await Deno.writeTextFile(marks, "");
    const statuses = await Promise.all([1, 2, 3].map(() => startBuilder(path, marks).status));
    assertEquals(statuses.map(({ code }) => code), [0, 0, 0]);
    assertEquals(await Deno.readTextFile(marks), "x", "one of them builds");
    assertEquals(await Deno.readTextFile(join(path, "a.txt")), CONTENT);
    assertEquals([...Deno.readDirSync(join(path, ".."))].map(({ name }) => name).sort(), [
      "thing",
      "thing.lock",
      "thing.marks",
    ]);
  }));
