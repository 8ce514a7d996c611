/**
 * Choice of the device, from the user's request and the machine's hardware. `probe_machine.ts` detects the hardware.
 *
 * @module
 */
import { UserError } from "../../error/user_error.ts";

/** Device that runs ops by default. */
export type Device = "cpu" | "gpu";

/** Device that a user requests. `auto` selects a GPU if one is usable, else the CPU. */
export type DeviceRequest = "auto" | Device;

/** Properties that the NVIDIA driver reports. */
export interface Nvidia {
  /** Newest CUDA version that the driver supports, as 1000 × major + 10 × minor. 12040 stands for 12.4. */
  readonly cuda: number;
  /** The GPUs available to this process. */
  readonly gpus: readonly Gpu[];
  /** Error of the driver, if it reports only its version. Undefined if it reports its GPUs. */
  readonly fault?: string | undefined;
}

/** One GPU. */
export interface Gpu {
  /** Name of the GPU, such as `NVIDIA H100 80GB HBM3`. */
  readonly name: string;
  /** Compute capability. 9.0 is `[9, 0]`. */
  readonly capability: readonly [major: number, minor: number];
}

/** Properties of the machine that determine the device. */
export interface MachineFacts {
  /** Operating system as Deno names it: `linux`, `darwin`, `windows`. */
  readonly os: string;
  /** Architecture as Deno names it: `x86_64`, `aarch64`. */
  readonly arch: string;
  /** Version of the GNU C library. Undefined on Linux with another C library (musl) and on other systems. */
  readonly glibc: string | undefined;
  /** The NVIDIA driver. Undefined if none is installed. */
  readonly nvidia: Nvidia | undefined;
}

/** The chosen device. */
export interface DeviceChoice {
  /** Device to use. */
  readonly device: Device;
  /**
   * Reason why an existing GPU is not used. Undefined if there is no GPU, the GPU is used, or the user requested the
   * CPU.
   */
  readonly warning: string | undefined;
}

/** The oldest GNU C library that TensorFlow's wheels (manylinux_2_27) support. */
const OLDEST_GLIBC = [2, 27] as const;

/** The oldest supported driver. CUDA's libraries run on every driver of the same major version. */
const OLDEST_CUDA = 12000;

/** The oldest GPU that TensorFlow 2.21's wheel supports (`cuda_compute_capabilities` of its build info: sm_60). */
const OLDEST_CAPABILITY = [6, 0] as const;

/**
 * Parses the name of a device.
 *
 * @param name `auto`, `cpu` or `gpu`. Undefined or empty stands for `auto`.
 * @throws {UserError} If the name is another.
 */
export function parseDevice(name: string | undefined): DeviceRequest {
  if (name === undefined || name === "") return "auto";
  if (name === "auto" || name === "cpu" || name === "gpu") return name;
  throw new UserError(
    `Cannot choose a device: expected LOSSKIT_DEVICE to be auto, cpu or gpu, got ${JSON.stringify(name)}.`,
  );
}

/**
 * Selects the device to use.
 *
 * @param request The requested device.
 * @param machine Properties of the machine.
 * @throws {UserError} If TensorFlow does not support the machine's C library, or a requested GPU is not usable.
 */
export function chooseDevice(request: DeviceRequest, machine: MachineFacts): DeviceChoice {
  if (machine.os === "linux") requireGlibc(machine.glibc);
  if (request === "cpu") return { device: "cpu", warning: undefined };
  const obstacle = gpuObstacle(machine);
  if (obstacle === undefined) return { device: "gpu", warning: undefined };
  if (request === "gpu") {
    throw new UserError(
      `Cannot use a GPU: ${obstacle}. Set LOSSKIT_DEVICE to cpu or auto to run on the CPU.`,
    );
  }
  const visible = machine.nvidia !== undefined;
  return { device: "cpu", warning: visible ? `using the CPU: ${obstacle}` : undefined };
}

/** Returns the reason why no GPU is usable. Undefined if one is usable. */
function gpuObstacle({ os, arch, nvidia }: MachineFacts): string | undefined {
  if (os !== "linux" || arch !== "x86_64") {
    return `expected Linux on x86-64 (TensorFlow's only wheels with CUDA), got ${os} on ${arch}`;
  }
  if (nvidia === undefined) return "expected an NVIDIA driver (libcuda.so.1), got none";
  if (nvidia.cuda < OLDEST_CUDA) {
    return `expected an NVIDIA driver for CUDA 12.0 or later (driver 525.60.13), got CUDA ${
      versionOf(nvidia.cuda)
    }`;
  }
  if (nvidia.gpus.length === 0) {
    return `expected a visible NVIDIA GPU, got none (${nvidia.fault ?? "is CUDA_VISIBLE_DEVICES set?"})`;
  }
  if (!nvidia.gpus.some(({ capability }) => isAtLeast(capability, OLDEST_CAPABILITY))) {
    const found = nvidia.gpus.map(({ name, capability }) => `${name} (${capability.join(".")})`).join(", ");
    return `expected a GPU of compute capability ${OLDEST_CAPABILITY.join(".")} or later, got ${found}`;
  }
  return undefined;
}

function versionOf(cuda: number): string {
  return `${Math.floor(cuda / 1000)}.${Math.floor(cuda % 1000 / 10)}`;
}

function requireGlibc(version: string | undefined): void {
  const needed = `GNU C library ${OLDEST_GLIBC.join(".")} or later`;
  if (version === undefined) {
    throw new UserError(
      `Cannot run TensorFlow: expected the ${needed}, got none (musl?). Use a distribution ` +
        "with it, such as Debian, Ubuntu or Fedora, if necessary in a container.",
    );
  }
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (!isAtLeast([major, minor], OLDEST_GLIBC)) {
    throw new UserError(
      `Cannot run TensorFlow: expected the ${needed}, got ${version}. Use a newer distribution, if necessary in a container.`,
    );
  }
}

function isAtLeast(
  [major, minor]: readonly [number, number],
  [wantedMajor, wantedMinor]: readonly [number, number],
): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
