import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../../error/user_error.ts";
import { chooseDevice, type MachineFacts, parseDevice } from "./device.ts";
import { WHEELS } from "./wheels.ts";

const H100 = { name: "NVIDIA H100 80GB HBM3", capability: [9, 0] as const };
const WITH_GPU: MachineFacts = {
  os: "linux",
  arch: "x86_64",
  glibc: "2.36",
  nvidia: { cuda: 12040, gpus: [H100] },
};
const CPU_QUIETLY = { device: "cpu", warning: undefined } as const;
const GPU = { device: "gpu", warning: undefined } as const;

Deno.test("chooseDevice() returns a usable GPU, and the CPU on request", () => {
  assertEquals(chooseDevice("auto", WITH_GPU), GPU);
  assertEquals(chooseDevice("gpu", WITH_GPU), GPU);
  assertEquals(chooseDevice("cpu", WITH_GPU), CPU_QUIETLY);
  assertEquals(chooseDevice("auto", { ...WITH_GPU, nvidia: { cuda: 12000, gpus: [H100] } }), GPU);
  assertEquals(chooseDevice("auto", { ...WITH_GPU, nvidia: { cuda: 13020, gpus: [H100] } }), GPU);
  const old = { name: "Tesla K80", capability: [3, 7] as const };
  assertEquals(chooseDevice("auto", { ...WITH_GPU, nvidia: { cuda: 12000, gpus: [old, H100] } }), GPU);
});

Deno.test("chooseDevice() gives no warning without an NVIDIA driver, but throws if a GPU is requested", () => {
  const machines: MachineFacts[] = [
    { ...WITH_GPU, nvidia: undefined },
    { os: "linux", arch: "aarch64", glibc: "2.31", nvidia: undefined },
    { os: "darwin", arch: "aarch64", glibc: undefined, nvidia: undefined },
  ];
  for (const machine of machines) {
    assertEquals(chooseDevice("auto", machine), CPU_QUIETLY);
    assertThrows(() => chooseDevice("gpu", machine), UserError, "Set LOSSKIT_DEVICE to cpu or auto");
  }
});

Deno.test("chooseDevice() gives the reason why an existing GPU is not used", () => {
  const p100 = { name: "Tesla P100", capability: [6, 0] as const };
  const m40 = { name: "Tesla M40", capability: [5, 2] as const };
  const cases: [MachineFacts["nvidia"], string][] = [
    [
      { cuda: 11080, gpus: [H100] },
      "expected an NVIDIA driver for CUDA 12.0 or later (driver 525.60.13), got CUDA 11.8",
    ],
    [{ cuda: 12040, gpus: [] }, "got none (is CUDA_VISIBLE_DEVICES set?)"],
    [{ cuda: 12040, gpus: [], fault: "cuInit returned error 803" }, "got none (cuInit returned error 803)"],
    [{ cuda: 12040, gpus: [m40] }, "compute capability 6.0 or later, got Tesla M40 (5.2)"],
  ];
  for (const [nvidia, reason] of cases) {
    const choice = chooseDevice("auto", { ...WITH_GPU, nvidia });
    assertEquals(choice.device, "cpu");
    assertStringIncludes(choice.warning ?? "", "using the CPU: ");
    assertStringIncludes(choice.warning ?? "", reason);
    assertThrows(() => chooseDevice("gpu", { ...WITH_GPU, nvidia }), UserError, reason);
    assertEquals(chooseDevice("cpu", { ...WITH_GPU, nvidia }), CPU_QUIETLY);
  }
  assertEquals(chooseDevice("auto", { ...WITH_GPU, nvidia: { cuda: 12040, gpus: [p100] } }), GPU);
  const arm = chooseDevice("auto", { ...WITH_GPU, arch: "aarch64" });
  assertStringIncludes(arm.warning ?? "", "(TensorFlow's only wheels with CUDA), got linux on aarch64");
});

Deno.test("chooseDevice() rejects a C library that TensorFlow's builds do not support, for every request", () => {
  for (const request of ["auto", "cpu", "gpu"] as const) {
    const musl = { ...WITH_GPU, glibc: undefined };
    assertThrows(() => chooseDevice(request, musl), UserError, "got none (musl?)");
    assertThrows(
      () => chooseDevice(request, { ...WITH_GPU, glibc: "2.17" }),
      UserError,
      "got 2.17",
    );
    chooseDevice(request, { ...WITH_GPU, glibc: "2.27" });
    chooseDevice(request, { ...WITH_GPU, glibc: "3.0" });
  }
  chooseDevice("auto", { os: "darwin", arch: "aarch64", glibc: undefined, nvidia: undefined });
});

Deno.test("parseDevice() parses three names and rejects all others", () => {
  assertEquals([undefined, "", "auto", "cpu", "gpu"].map(parseDevice), [
    "auto",
    "auto",
    "auto",
    "cpu",
    "gpu",
  ]);
  assertThrows(
    () => parseDevice("GPU:0"),
    UserError,
    'expected LOSSKIT_DEVICE to be auto, cpu or gpu, got "GPU:0"',
  );
});

Deno.test("every device has a wheel, and all its files have distinct paths", () => {
  assertEquals(Object.keys(WHEELS).toSorted(), [
    "darwin-aarch64-cpu",
    "linux-aarch64-cpu",
    "linux-x86_64-cpu",
    "linux-x86_64-gpu",
  ]);
  for (const { files, libraries, companions } of Object.values(WHEELS)) {
    assertEquals(Object.keys(files).toSorted(), [libraries.cc, libraries.framework].toSorted());
    const names = [files, ...companions.map((one) => one.files)].flatMap(Object.keys);
    assertEquals(new Set(names).size, names.length);
  }
  const cuda = WHEELS["linux-x86_64-gpu"]!.companions.flatMap(({ files }) => Object.keys(files));
  // The libraries that TensorFlow opens by name before it considers a GPU usable (its dso_loader).
  for (
    const library of [
      "libcudart.so.12",
      "libcublas.so.12",
      "libcublasLt.so.12",
      "libcufft.so.11",
      "libcusolver.so.11",
      "libcusparse.so.12",
      "libcudnn.so.9",
    ]
  ) assertEquals(cuda.filter((name) => name.endsWith(`/lib/${library}`)).length, 1, library);
});
