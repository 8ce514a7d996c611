import { currentTensorFlow } from "../binding/backend.ts";
import { assert, assertEquals, assertFalse, assertRejects, assertStringIncludes } from "@std/assert";
import { useTensorFlow } from "../binding/backend.ts";

Deno.test("Runtime reports its devices and that TF32 is off", async () => {
  const { device } = await useTensorFlow({ device: "cpu" });
  const { runtime, binding } = currentTensorFlow();
  assertEquals(runtime.devices, [{ name: "/job:localhost/replica:0/task:0/device:CPU:0", type: "CPU" }]);
  assertFalse(runtime.usesGpu);
  assertFalse(binding.isUsingGpuDevice());
  assertEquals(device, "cpu");
  assertFalse(runtime.tensorFloat32);
  assertFalse(runtime.deterministicOps);
  await assertRejects(
    () => useTensorFlow({ device: "gpu" }),
    RangeError,
    "expected cpu, which this process already uses, got gpu",
  );
  await assertRejects(() => useTensorFlow({ deterministicOps: true }), RangeError, "got true");
  await useTensorFlow({ device: "auto" });
  assertEquals(currentTensorFlow().runtime, runtime);
});

/** Runs a script that starts its own TensorFlow. */
async function run(script: string, env: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  const module = new URL("../mod.ts", import.meta.url).href;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", `import { useTensorFlow } from ${JSON.stringify(module)};\n${script}`],
    cwd: new URL("../../..", import.meta.url),
    env: { NO_COLOR: "1", ...env },
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { stdout: out!, stderr: error! };
}

Deno.test("deterministicOps turns deterministic ops on", async () => {
  const { stdout } = await run(
    "console.log((await useTensorFlow({ device: 'cpu', deterministicOps: true })).deterministicOps)",
    {},
  );
  assertEquals(stdout.trim(), "true");
});

Deno.test("LOSSKIT_DEVICE chooses the device, and a missing GPU is an error", async () => {
  const print = "console.log(await useTensorFlow().then(({ device }) => device, (error) => error.message))";
  assertEquals((await run(print, { LOSSKIT_DEVICE: "cpu" })).stdout.trim(), "cpu");
  assertStringIncludes(
    (await run(print, { LOSSKIT_DEVICE: "tpu" })).stdout,
    'expected LOSSKIT_DEVICE to be auto, cpu or gpu, got "tpu"',
  );
  const gpu = (await run(print, { LOSSKIT_DEVICE: "gpu", CUDA_VISIBLE_DEVICES: "" })).stdout.trim();
  assert(gpu.startsWith("Cannot use a GPU: "), gpu);
});

Deno.test("XLA propagates NaN with the user's own flags or a file of flags; a flag set by the user wins", async () => {
  const script = `await useTensorFlow({ device: "cpu" });
    const { compile } = await import(${JSON.stringify(new URL("../mod.ts", import.meta.url).href)});
    const tf = await import("@tensorflow/tfjs");
    const clip = compile((x) => tf.clipByValue(x, -1, 1), { mode: "xla" });
    console.log(String(clip(tf.tensor1d([NaN, 5])).dataSync()));`;
  const other = "--xla_cpu_enable_fast_math=false";
  const file = Deno.makeTempFileSync();
  Deno.writeTextFileSync(file, `${other}\n`);
  try {
    for (
      const [flags, want] of [
        ["", "NaN,1"],
        [other, "NaN,1"],
        [file, "NaN,1"],
        ["--xla_cpu_enable_fast_min_max=true", "-1,1"],
      ] as const
    ) {
      const { stdout, stderr } = await run(script, { XLA_FLAGS: flags });
      assertEquals(stdout.trim(), want, stderr);
    }
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("child processes do not inherit variables set for TensorFlow; the user's own variables stay", async () => {
  const script =
    `const variables = () => new TextDecoder().decode(new Deno.Command("env").outputSync().stdout);
    const before = variables();
    await useTensorFlow({ device: "cpu" });
    const { compile } = await import(${JSON.stringify(new URL("../mod.ts", import.meta.url).href)});
    const tf = await import("@tensorflow/tfjs");
    compile((x) => tf.exp(x), { mode: "xla" })(tf.scalar(0)).dataSync();
    console.log(variables() === before, Deno.env.get("TF_CPP_MIN_LOG_LEVEL"), Deno.env.get("XLA_FLAGS"));`;
  const plain = await run(script, {});
  assertEquals(plain.stdout.trim(), "true undefined undefined");
  assertFalse(/\.cc:\d+\]/.test(plain.stderr), plain.stderr); // TensorFlow's log stays silent
  const own = { TF_CPP_MIN_LOG_LEVEL: "3", XLA_FLAGS: "--xla_cpu_enable_fast_math=false" };
  assertEquals((await run(script, own)).stdout.trim(), `true ${Object.values(own).join(" ")}`);
});

/** Runs `useTensorFlow(options)` in the main thread, then `useTensorFlow(other)` in a worker. */
async function withWorker(options: object, other: object): Promise<string> {
  const module = new URL("../mod.ts", import.meta.url).href;
  const worker = `import { useTensorFlow } from ${JSON.stringify(module)};
    const say = ({ deterministicOps, threads }) => [deterministicOps, threads].join(" ");
    self.postMessage(await useTensorFlow(${JSON.stringify(other)}).then(say, (error) => error.message));`;
  const { stdout, stderr } = await run(
    `const { deterministicOps, threads } = await useTensorFlow(${JSON.stringify(options)});
    const worker = new Worker(${
      JSON.stringify(`data:text/javascript,${encodeURIComponent(worker)}`)
    }, { type: "module" });
    const said = await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
    const pools = [...Deno.readDirSync("/proc/self/task")].map(({ name }) =>
      Deno.readTextFileSync("/proc/self/task/" + name + "/comm").trim());
    worker.terminate();
    console.log([deterministicOps, threads, said].join("|"), pools.filter((name) => name === "worker-1").length);`,
    {},
  );
  return stdout.trim() || stderr;
}

Deno.test("a worker's TensorFlow keeps the process's settings, or reports that they are fixed", async () => {
  const on = { device: "cpu", deterministicOps: true };
  const plain = await withWorker({ ...on, threads: 1 }, { device: "cpu", threads: 12 });
  assertStringIncludes(plain, "true|1|true 12");
  // Threads inherit the name of the thread that created them. The worker's pool is separate from the main thread's.
  if (Deno.build.os === "linux") assert(Number(plain.split(" ").at(-1)) >= 12, plain);
  assertStringIncludes(await withWorker(on, { device: "cpu", deterministicOps: true }), "true||true ");
  assertStringIncludes(
    await withWorker(on, { device: "cpu", deterministicOps: false }),
    "Cannot change TensorFlow's deterministicOps: expected true, which this process already uses, got false",
  );
});

Deno.test("a missing permission is reported with its flag, not as a missing C library", async () => {
  const module = new URL("../mod.ts", import.meta.url).href;
  const script = Deno.makeTempFileSync({ suffix: ".ts" });
  Deno.writeTextFileSync(
    script,
    `import { useTensorFlow } from ${JSON.stringify(module)};
    console.log(await useTensorFlow({ device: "cpu" }).then(() => "started", (error) => error.message));`,
  );
  try {
    for (
      const [flags, flag] of [
        [["--allow-read", "--allow-env", "--allow-sys", "--allow-ffi=/nowhere"], "--allow-ffi"],
        [["--allow-read", "--allow-env", "--allow-sys"], "--allow-ffi"],
        [["--allow-env", "--allow-sys", "--allow-ffi"], "--allow-read"],
      ] as const
    ) {
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-prompt", "--no-check", "--config", "deno.json", ...flags, script],
        cwd: new URL("../../..", import.meta.url),
      }).output();
      const [said, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assertStringIncludes(said!, `Cannot start TensorFlow: expected the permission ${flag}`, error);
    }
  } finally {
    Deno.removeSync(script);
  }
});
