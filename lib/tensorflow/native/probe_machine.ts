/**
 * Detection of this machine's C library and NVIDIA driver. `device.ts` selects the device.
 *
 * Run as a program, this file prints the device of runs. Processes without permission for native code run it.
 *
 * @module
 */
import { denoArguments } from "../../file/package.ts";
import { UserError } from "../../error/user_error.ts";
import {
  chooseDevice,
  type Device,
  type Gpu,
  type MachineFacts,
  type Nvidia,
  parseDevice,
} from "./device.ts";
import { LIBC } from "./libc.ts";

/** `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR` and `..._MINOR` of cuda.h. */
const CAPABILITY = [75, 76] as const;

/** Maximum length of a GPU's name. */
const NAME_BYTES = 256;

/** The functions of NVIDIA's driver that the probe calls, from cuda.h. All return 0 on success. */
const DRIVER_SYMBOLS = {
  /** `CUresult cuDriverGetVersion(int* version)`: works before `cuInit`. */
  cuDriverGetVersion: { parameters: ["buffer"], result: "i32" },
  /** `CUresult cuInit(unsigned int flags)` */
  cuInit: { parameters: ["u32"], result: "i32" },
  /** `CUresult cuDeviceGetCount(int* count)` */
  cuDeviceGetCount: { parameters: ["buffer"], result: "i32" },
  /** `CUresult cuDeviceGetName(char* name, int length, CUdevice device)`. A `CUdevice` is an index. */
  cuDeviceGetName: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  /** `CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device)` */
  cuDeviceGetAttribute: { parameters: ["buffer", "i32", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of NVIDIA's driver. */
export type Driver = Deno.StaticForeignLibraryInterface<typeof DRIVER_SYMBOLS>;

/** Detects the properties of this machine that determine the device. */
export function probeMachine(): MachineFacts {
  const { os, arch } = Deno.build;
  return { os, arch, glibc: os === "linux" ? probeGlibc() : undefined, nvidia: probeNvidia() };
}

function probeGlibc(): string | undefined {
  try {
    const libc = Deno.dlopen(LIBC.linux, {
      /** `const char* gnu_get_libc_version(void)`, which only the GNU C library has. */
      gnu_get_libc_version: { parameters: [], result: "pointer" },
    });
    const version = Deno.UnsafePointerView.getCString(libc.symbols.gnu_get_libc_version()!);
    libc.close();
    return version;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  }
}

function probeNvidia(): Nvidia | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    // The library stays open, because TensorFlow uses it next and NVIDIA drivers do not support unloading.
    return queryDriver(Deno.dlopen("libcuda.so.1", DRIVER_SYMBOLS).symbols);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined; // no driver
  }
}

/** Queries an NVIDIA driver for its version and its GPUs. */
export function queryDriver(driver: Driver): Nvidia {
  const answer = new Int32Array(1);
  const code = driver.cuDriverGetVersion(answer);
  if (code !== 0) return { cuda: 0, gpus: [], fault: `cuDriverGetVersion returned error ${code}` };
  const cuda = answer[0]!;
  const failed = driver.cuInit(0) || driver.cuDeviceGetCount(answer);
  if (failed !== 0) return { cuda, gpus: [], fault: `cuInit returned error ${failed}` };
  const gpus: Gpu[] = [];
  for (let device = 0, count = answer[0]!; device < count; device++) {
    const name = new Uint8Array(NAME_BYTES);
    if (driver.cuDeviceGetName(name, NAME_BYTES, device) !== 0) continue;
    const capability = CAPABILITY.map((attribute) =>
      driver.cuDeviceGetAttribute(answer, attribute, device) === 0 ? answer[0]! : 0
    ) as [number, number];
    gpus.push({ name: new TextDecoder().decode(name.subarray(0, name.indexOf(0))), capability });
  }
  return { cuda, gpus };
}

/**
 * Returns the device that runs started by this process use. `LOSSKIT_DEVICE` takes precedence over the detected device.
 * Without permission for native code, the device is detected in another process.
 *
 * @throws {UserError} If the device is unknown, or does not exist on this machine.
 */
export function requireDevice(): Device {
  const isGranted = (name: "ffi" | "run") => Deno.permissions.querySync({ name }).state === "granted";
  if (!isGranted("ffi") && isGranted("run")) return deviceByProcess();
  return chooseDevice(parseDevice(Deno.env.get("LOSSKIT_DEVICE")), probeMachine()).device;
}

function deviceByProcess(): Device {
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: denoArguments(import.meta.url),
    stdin: "null",
  }).outputSync();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new UserError(text(stderr));
  return text(stdout) as Device;
}

if (import.meta.main) {
  try {
    console.log(requireDevice());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    Deno.exitCode = error.exitCode;
  }
}
