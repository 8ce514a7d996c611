import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { UserError } from "../../error/user_error.ts";
import { findLibTensorFlow, type LibTensorFlow, type Machine } from "./install.ts";
import { WHEELS } from "./wheels.ts";

/** Runs `work` with a machine that has only an empty cache folder. */
async function withMachine(work: (machine: Machine, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const variables: Record<string, string> = { LOSSKIT_CACHE: join(folder, "cache") };
  try {
    await work({
      os: "linux",
      arch: "x86_64",
      env: (name) => variables[name],
      python: () => Promise.resolve(undefined),
      fetch: () => Promise.reject(new UserError("no network")),
      warn: () => {},
    }, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function placeLibraries(dir: string, suffix = ".so.2"): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  for (const name of ["cc", "framework"]) {
    await Deno.writeTextFile(join(dir, `libtensorflow_${name}${suffix}`), "x");
  }
}

Deno.test("findLibTensorFlow() returns the folder in LOSSKIT_LIBTENSORFLOW, or throws if it is incomplete", () =>
  withMachine(async (machine, folder) => {
    const named = {
      ...machine,
      env: (name: string) => name === "LOSSKIT_LIBTENSORFLOW" ? folder : machine.env(name),
    };
    const neither = `${folder} without libtensorflow_cc and without libtensorflow_framework. Correct`;
    await assertRejects(() => findLibTensorFlow(named), UserError, neither);
    await placeLibraries(folder);
    assertEquals(await findLibTensorFlow({ ...named, os: "plan9" }), {
      dir: folder,
      framework: join(folder, "libtensorflow_framework.so.2"),
      cc: join(folder, "libtensorflow_cc.so.2"),
      version: undefined,
      source: "environment",
      wheelSha256: undefined,
    });
    await Deno.remove(join(folder, "libtensorflow_framework.so.2"));
    const one = `${folder} without libtensorflow_framework.so.2. Correct`;
    await assertRejects(() => findLibTensorFlow(named), UserError, one);
  }));

Deno.test("findLibTensorFlow() returns Python's TensorFlow if the cache has none, unless it is too old", () =>
  withMachine(async (machine, folder) => {
    const dir = join(folder, "site-packages", "tensorflow");
    await placeLibraries(dir);
    const python = (version: string) => () => Promise.resolve({ dir, version });
    assertEquals((await findLibTensorFlow({ ...machine, python: python("2.16.1") })).source, "python");
    assertEquals((await findLibTensorFlow({ ...machine, python: python("3.0") })).source, "python");
    let warned = "";
    const old = await assertRejects(
      () => findLibTensorFlow({ ...machine, python: python("2.15.0"), warn: (line) => warned += line }),
      UserError,
    );
    const unfit = `TensorFlow 2.15.0 in ${dir} (expected version 2.16 or later`;
    assertStringIncludes(old.message, unfit);
    assertStringIncludes(warned, `not used: ${unfit}`);
  }));

Deno.test("findLibTensorFlow() lists every place it searched when the network is down", () =>
  withMachine(async (machine, folder) => {
    const { message } = await assertRejects(() => findLibTensorFlow(machine), UserError);
    const places = [
      "LOSSKIT_LIBTENSORFLOW (not set)",
      `${join(folder, "cache")}/libtensorflow-2.21.0`,
      "installed in Python (none found)",
      "no network",
      "libtensorflow-2.21.0-linux-x86_64 from another machine.",
      "or set LOSSKIT_LIBTENSORFLOW to a folder",
    ];
    for (const place of places) assertStringIncludes(message, place);
  }));

Deno.test("findLibTensorFlow() fetches the platform's wheel, and lists the supported platforms on others", () =>
  withMachine(async (machine) => {
    const asked: string[] = [];
    const fetch: Machine["fetch"] = (wheel) => {
      asked.push(wheel.filename);
      return Promise.reject(new UserError("enough"));
    };
    for (const [os, arch] of [["linux", "x86_64"], ["linux", "aarch64"], ["darwin", "aarch64"]] as const) {
      await assertRejects(() => findLibTensorFlow({ ...machine, os, arch, fetch }), UserError, "enough");
    }
    assertEquals(asked, [
      "tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl",
      "tensorflow-2.21.0-cp312-cp312-manylinux_2_27_aarch64.whl",
      "tensorflow-2.21.0-cp312-cp312-macosx_12_0_arm64.whl",
    ]);
    for (const [os, arch] of [["windows", "x86_64"], ["darwin", "x86_64"]] as const) {
      await assertRejects(
        () => findLibTensorFlow({ ...machine, os, arch }),
        UserError,
        "expected Linux on x86-64",
      );
    }
  }));

Deno.test("findLibTensorFlow() fetches into the cache once, and again if a library is corrupt", () =>
  withMachine(async (machine, folder) => {
    const sha256 = createHash("sha256").update("x").digest("hex");
    const { libraries, ...wheel } = WHEELS["linux-x86_64-cpu"]!;
    const files = Object.fromEntries(
      Object.values(libraries).map((name) => [name, { sha256, bytes: 1 }]),
    );
    const wheels = { "linux-x86_64-cpu": { ...wheel, libraries, files } };
    let fetched = 0, warned = "";
    const find = () =>
      findLibTensorFlow({
        ...machine,
        fetch: (_, into) => {
          fetched++;
          return placeLibraries(into);
        },
        warn: (line) => warned += line,
      }, { wheels });
    const dir = join(folder, "cache", "libtensorflow-2.21.0-linux-x86_64");
    const found: LibTensorFlow = {
      dir,
      framework: join(dir, "libtensorflow_framework.so.2"),
      cc: join(dir, "libtensorflow_cc.so.2"),
      version: "2.21.0",
      source: "package",
      wheelSha256: wheel.sha256,
    };
    assertEquals(await find(), found);
    assertEquals(await find(), { ...found, source: "cache" });
    assertEquals([fetched, warned], [1, ""]);
    await Deno.writeTextFile(found.cc, "y");
    assertEquals(await find(), found);
    assertEquals([fetched, await Deno.readTextFile(found.cc)], [2, "x"]);
    assertStringIncludes(warned, "of libtensorflow_cc.so.2, got");
  }));

Deno.test("findLibTensorFlow() fetches a corrupt cache again, and reports the damage if the download fails", () =>
  withMachine(async (machine, folder) => {
    const wheel = WHEELS["linux-x86_64-cpu"]!;
    await placeLibraries(join(folder, "cache", `libtensorflow-${wheel.version}-linux-x86_64`));
    let fetched = 0, warned = "";
    const fetch: Machine["fetch"] = () => {
      fetched++;
      return Promise.reject(new UserError("no network"));
    };
    const { message } = await assertRejects(
      () => findLibTensorFlow({ ...machine, fetch, warn: (line) => warned += line }),
      UserError,
    );
    assertEquals(fetched, 1);
    assertStringIncludes(warned, "is damaged");
    assertStringIncludes(message, "expected 65222328 bytes in");
    assertStringIncludes(message, "no network");
  }));

Deno.test("findLibTensorFlow() also fetches CUDA's libraries for a GPU", () =>
  withMachine(async (machine, folder) => {
    const sha256 = createHash("sha256").update("x").digest("hex");
    const file = { sha256, bytes: 1 };
    const real = WHEELS["linux-x86_64-gpu"]!;
    const wheel = {
      ...real,
      files: { [real.libraries.framework]: file, [real.libraries.cc]: file },
      companions: [{ ...real.companions[0]!, files: { "nvidia/cublas/lib/libcublas.so.12": file } }],
    };
    const fetch: Machine["fetch"] = async ({ companions }, into) => {
      await placeLibraries(join(into, "tensorflow"));
      for (const name of companions.flatMap(({ files }) => Object.keys(files))) {
        await Deno.mkdir(join(into, name, ".."), { recursive: true });
        await Deno.writeTextFile(join(into, name), "x");
      }
    };
    const find = (fetch: Machine["fetch"]) =>
      findLibTensorFlow({ ...machine, fetch }, { device: "gpu", wheels: { "linux-x86_64-gpu": wheel } });
    const found = await find(fetch);
    const cache = join(folder, "cache", "libtensorflow-2.21.0-linux-x86_64-cuda");
    assertEquals(found.dir, join(cache, "tensorflow"));
    assertEquals(found.cc, join(cache, "tensorflow", "libtensorflow_cc.so.2"));
    assertEquals(found.wheelSha256, real.sha256);
    await Deno.remove(join(cache, "nvidia", "cublas", "lib", "libcublas.so.12"));
    assertEquals(
      (await find(fetch)).source,
      "package",
      "all CUDA libraries are fetched again if one is missing",
    );
    await assertRejects(
      () => findLibTensorFlow({ ...machine, os: "darwin", arch: "aarch64" }, { device: "gpu" }),
      UserError,
      "for a GPU, got darwin on aarch64.",
    );
  }));

Deno.test("findLibTensorFlow() returns Python's TensorFlow for a GPU only if CUDA is installed with it", () =>
  withMachine(async (machine, folder) => {
    const dir = join(folder, "site-packages", "tensorflow");
    await placeLibraries(dir);
    let warned = "";
    const find = () =>
      findLibTensorFlow({
        ...machine,
        python: () => Promise.resolve({ dir, version: "2.20.0" }),
        warn: (line) => warned += line,
      }, { device: "gpu" });
    await assertRejects(find, UserError, "with both libraries and with CUDA's");
    await Deno.mkdir(join(folder, "site-packages", "nvidia", "cudnn"), { recursive: true });
    assertEquals((await find()).source, "python");
  }));
