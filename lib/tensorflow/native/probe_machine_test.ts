import { assertEquals, assertMatch } from "@std/assert";
import { type Driver, probeMachine, queryDriver } from "./probe_machine.ts";

/** Returns a fake driver with two GPUs that follows C's conventions. `replaced` overrides some of its functions. */
function fakeDriver(replaced: Partial<Driver> = {}): Driver {
  const write = (buffer: unknown, value: number) => {
    (buffer as Int32Array)[0] = value;
    return 0;
  };
  const names = ["NVIDIA A100-SXM4-80GB", "Tesla K80"];
  const capabilities = [{ 75: 8, 76: 0 }, { 75: 3, 76: 7 }] as Record<number, number>[];
  return {
    cuDriverGetVersion: (version) => write(version, 12040),
    cuInit: () => 0,
    cuDeviceGetCount: (count) => write(count, 2),
    cuDeviceGetName: (name, _length, device) => {
      new TextEncoder().encodeInto(`${names[device]}\0`, name as Uint8Array<ArrayBuffer>);
      return 0;
    },
    cuDeviceGetAttribute: (value, attribute, device) => write(value, capabilities[device]![attribute]!),
    ...replaced,
  } as Driver;
}

Deno.test("queryDriver() reads versions, names and capabilities", () => {
  assertEquals(queryDriver(fakeDriver()), {
    cuda: 12040,
    gpus: [
      { name: "NVIDIA A100-SXM4-80GB", capability: [8, 0] },
      { name: "Tesla K80", capability: [3, 7] },
    ],
  });
});

Deno.test("queryDriver() reports a driver that fails, and skips a GPU without a name", () => {
  assertEquals(queryDriver(fakeDriver({ cuDriverGetVersion: () => 3 })), {
    cuda: 0,
    gpus: [],
    fault: "cuDriverGetVersion returned error 3",
  });
  assertEquals(queryDriver(fakeDriver({ cuInit: () => 803 })), {
    cuda: 12040,
    gpus: [],
    fault: "cuInit returned error 803",
  });
  const half = fakeDriver({ cuDeviceGetName: () => 101 });
  assertEquals(queryDriver(half).gpus, []);
});

Deno.test("probeMachine() detects this machine", () => {
  const { os, arch, glibc } = probeMachine();
  assertEquals([os, arch], [Deno.build.os, Deno.build.arch]);
  if (os === "linux") assertMatch(glibc ?? "", /^2\.\d+/);
});
