/**
 * What TensorFlow is to run on, decided from what was asked for and what the machine has. It asks the machine nothing
 * itself: see `probe_machine.ts`.
 *
 * @module
 */
import { UserError } from "../../error/user_error.ts";

/** Where ops run by default. */
export type Device = "cpu" | "gpu";

/** What a user may ask for; `auto`: a GPU where one can be used. */
export type DeviceRequest = "auto" | Device;

/** What the NVIDIA driver says. */
export interface Nvidia {
  /** The newest CUDA that the driver serves, 1000 times the major version and 10 times the minor one: 12040 is 12.4. */
  readonly cuda: number;
  /** The GPUs that this process may use. */
  readonly gpus: readonly Gpu[];
  /** Why the driver answers no more than its version, where that is so. */
  readonly fault?: string | undefined;
}

/** One GPU. */
export interface Gpu {
  /** Its name, such as `NVIDIA H100 80GB HBM3`. */
  readonly name: string;
  /** Its compute capability: 9.0 is `[9, 0]`. */
  readonly capability: readonly [major: number, minor: number];
}

/** What the decision is made from. */
export interface MachineFacts {
  /** As Deno names it: `linux`, `darwin`, `windows`. */
  readonly os: string;
  /** As Deno names it: `x86_64`, `aarch64`. */
  readonly arch: string;
  /** Version of the GNU C library; undefined: Linux without it (musl), or another system. */
  readonly glibc: string | undefined;
  /** Undefined: no NVIDIA driver. */
  readonly nvidia: Nvidia | undefined;
}

/** A decision. */
export interface DeviceChoice {
  /** What to run on. */
  readonly device: Device;
  /** Why a GPU that is there is not used. Undefined: there is none, it is used, or the CPU was asked for. */
  readonly warning: string | undefined;
}

/** The oldest GNU C library that TensorFlow's wheels (manylinux_2_27) run on. */
const OLDEST_GLIBC = [2, 27] as const;

/** The oldest driver: CUDA's libraries run on every driver of their own major version. */
const OLDEST_CUDA = 12000;

/** The oldest GPU that TensorFlow 2.21's wheel has code for (`cuda_compute_capabilities` of its build info: sm_60). */
const OLDEST_CAPABILITY = [6, 0] as const;

/**
 * Reads a device's name.
 *
 * @param name `auto`, `cpu` or `gpu`; undefined or empty is `auto`.
 * @throws {UserError} for any other.
 */
export function parseDevice(name: string | undefined): DeviceRequest {
  if (name === undefined || name === "") return "auto";
  if (name === "auto" || name === "cpu" || name === "gpu") return name;
  throw new UserError(
    `Cannot choose a device: LOSSKIT_DEVICE must be auto, cpu or gpu: it is ${JSON.stringify(name)}`,
  );
}

/**
 * Decides what to run on.
 *
 * @param request What was asked for.
 * @param machine What the machine has.
 * @throws {UserError} where TensorFlow cannot run at all (a C library that its wheels are not for), or a GPU was asked
 * for by name and cannot be used, with the reason.
 */
export function chooseDevice(request: DeviceRequest, machine: MachineFacts): DeviceChoice {
  if (machine.os === "linux") requireGlibc(machine.glibc);
  if (request === "cpu") return { device: "cpu", warning: undefined };
  const obstacle = gpuObstacle(machine);
  if (obstacle === undefined) return { device: "gpu", warning: undefined };
  if (request === "gpu") {
    throw new UserError(
      `Cannot run on a GPU: ${obstacle}. Let LOSSKIT_DEVICE be cpu or auto to run on the CPU.`,
    );
  }
  const visible = machine.nvidia !== undefined;
  return { device: "cpu", warning: visible ? `running on the CPU: ${obstacle}` : undefined };
}

/** Why no GPU can be used. */
function gpuObstacle({ os, arch, nvidia }: MachineFacts): string | undefined {
  if (os !== "linux" || arch !== "x86_64") {
    return `TensorFlow's wheels for ${os} on ${arch} have no CUDA: only those for Linux on x86-64 do`;
  }
  if (nvidia === undefined) return "this machine has no NVIDIA driver (no libcuda.so.1)";
  if (nvidia.cuda < OLDEST_CUDA) {
    return `the NVIDIA driver must serve CUDA 12.0 or later (driver 525.60.13): it serves ${
      versionOf(nvidia.cuda)
    }`;
  }
  if (nvidia.gpus.length === 0) {
    return `the NVIDIA driver shows no GPU (${nvidia.fault ?? "is CUDA_VISIBLE_DEVICES set?"})`;
  }
  if (!nvidia.gpus.some(({ capability }) => isAtLeast(capability, OLDEST_CAPABILITY))) {
    const found = nvidia.gpus.map(({ name, capability }) => `${name} has ${capability.join(".")}`).join(", ");
    return `a GPU must have compute capability ${OLDEST_CAPABILITY.join(".")} or later: ${found}`;
  }
  return undefined;
}

function versionOf(cuda: number): string {
  return `${Math.floor(cuda / 1000)}.${Math.floor(cuda % 1000 / 10)}`;
}

function requireGlibc(version: string | undefined): void {
  const needed = `the GNU C library ${OLDEST_GLIBC.join(".")} or later`;
  if (version === undefined) {
    throw new UserError(
      `Cannot run TensorFlow: its builds for Linux need ${needed}: this system has none (musl?). Use a distribution ` +
        "with it, such as Debian, Ubuntu or Fedora, in a container if need be.",
    );
  }
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (!isAtLeast([major, minor], OLDEST_GLIBC)) {
    throw new UserError(
      `Cannot run TensorFlow: its builds for Linux need ${needed}: this system has ${version}`,
    );
  }
}

function isAtLeast(
  [major, minor]: readonly [number, number],
  [wantedMajor, wantedMinor]: readonly [number, number],
): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
