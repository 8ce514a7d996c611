import { assert, assertEquals, assertFalse, assertRejects, assertStringIncludes } from "@std/assert";
import { useTensorFlow } from "./backend.ts";

Deno.test("Runtime says what it runs on, and that float32 is not TF32", async () => {
  const { runtime, binding, device } = await useTensorFlow({ device: "cpu" });
  assertEquals(runtime.devices, [{ name: "/job:localhost/replica:0/task:0/device:CPU:0", type: "CPU" }]);
  assertFalse(runtime.usesGpu);
  assertFalse(binding.isUsingGpuDevice());
  assertEquals(device, "cpu");
  assertFalse(runtime.tensorFloat32);
  assertFalse(runtime.deterministicOps);
  await assertRejects(() => useTensorFlow({ device: "gpu" }), RangeError, "it runs with cpu, wanted gpu");
  await assertRejects(() => useTensorFlow({ deterministicOps: true }), RangeError, "wanted true");
  assertEquals((await useTensorFlow({ device: "auto" })).runtime, runtime);
});

/** Runs a script that starts a TensorFlow of its own. */
async function run(script: string, env: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  const module = new URL("./mod.ts", import.meta.url).href;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", `import { useTensorFlow } from ${JSON.stringify(module)};\n${script}`],
    cwd: new URL("../..", import.meta.url),
    env: { NO_COLOR: "1", ...env },
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { stdout: out!, stderr: error! };
}

Deno.test("deterministic ops are on when they are asked for", async () => {
  const { stdout } = await run(
    "console.log((await useTensorFlow({ device: 'cpu', deterministicOps: true })).runtime.deterministicOps)",
    {},
  );
  assertEquals(stdout.trim(), "true");
});

Deno.test("LOSSKIT_DEVICE chooses the device, and a GPU that is not there is told of", async () => {
  const print = "console.log(await useTensorFlow().then(({ device }) => device, (error) => error.message))";
  assertEquals((await run(print, { LOSSKIT_DEVICE: "cpu" })).stdout.trim(), "cpu");
  assertStringIncludes(
    (await run(print, { LOSSKIT_DEVICE: "tpu" })).stdout,
    'must be auto, cpu or gpu: it is "tpu"',
  );
  const gpu = (await run(print, { LOSSKIT_DEVICE: "gpu", CUDA_VISIBLE_DEVICES: "" })).stdout.trim();
  assert(gpu.startsWith("Cannot run on a GPU: "), gpu);
});

Deno.test("XLA gets flags beside a user's own, and a user's file of flags alone", async () => {
  const script = `const { XLA_FLAGS } = (await useTensorFlow({ device: "cpu" }), Deno.env.toObject());
    const { compile } = await import(${JSON.stringify(new URL("./mod.ts", import.meta.url).href)});
    const tf = await import("@tensorflow/tfjs");
    console.log(XLA_FLAGS, compile((x) => tf.exp(x), { mode: "xla" })(tf.scalar(0)).dataSync()[0]);`;
  const flag = "--xla_cpu_use_fusion_emitters", other = "--xla_cpu_enable_fast_math=false";
  const file = Deno.makeTempFileSync();
  Deno.writeTextFileSync(file, `${other}\n`);
  try {
    const given: [string, string][] = [
      ["", `${flag}=false`],
      [other, `${other} ${flag}=false`],
      [`${flag}=true`, `${flag}=true`],
      [file, file],
    ];
    for (const [flags, want] of given) {
      const { stdout, stderr } = await run(script, { XLA_FLAGS: flags });
      assertEquals(stdout.trim(), `${want} 1`, stderr);
    }
  } finally {
    Deno.removeSync(file);
  }
});
