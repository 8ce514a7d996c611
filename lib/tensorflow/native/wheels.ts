/**
 * The Python wheels that contain libtensorflow, one per platform, with pinned checksums.
 *
 * A wheel for any CPython version is suitable, because losskit uses only its two C libraries.
 *
 * @module
 */
import type { CachedFile } from "../../fetch/cache.ts";
import type { PackageFile } from "../../fetch/package.ts";
import { type Companion, CUDA_WHEELS } from "./cuda_wheels.ts";
import type { Device } from "./device.ts";

/** The wheel for a platform. */
export interface Wheel extends PackageFile {
  /** Paths of its two libraries, relative to the folder into which the wheel is unpacked. */
  libraries: { framework: string; cc: string };
  /** Size and checksum of each library, by path. */
  files: Record<string, CachedFile>;
  /** Additional required wheels. Their files keep their names. */
  companions: readonly Companion[];
}

/** The TensorFlow version that losskit is tested with. */
export const TENSORFLOW_VERSION = "2.21.0";

function wheel(
  name: string,
  platform: string,
  pins: {
    sha256: string;
    bytes: number;
    suffix: string;
    framework: [string, number];
    cc: [string, number];
    /** Folder of the libraries inside of the wheel. Default: the top folder. */
    below?: string;
    companions?: readonly Companion[];
  },
): Wheel {
  const { below = "", companions = [] } = pins;
  const framework = `${below}libtensorflow_framework${pins.suffix}`,
    cc = `${below}libtensorflow_cc${pins.suffix}`;
  return {
    name,
    version: TENSORFLOW_VERSION,
    filename: `${name.replace("-", "_")}-${TENSORFLOW_VERSION}-cp312-cp312-${platform}.whl`,
    sha256: pins.sha256,
    bytes: pins.bytes,
    args: [
      "--only-binary=:all:",
      "--platform",
      platform,
      "--python-version",
      "3.12",
      "--implementation",
      "cp",
    ],
    libraries: { framework, cc },
    files: {
      [framework]: { sha256: pins.framework[0], bytes: pins.framework[1] },
      [cc]: { sha256: pins.cc[0], bytes: pins.cc[1] },
    },
    companions,
  };
}

/** Wheels by `os-arch-device`. Operating system and architecture are named as in Deno. */
export const WHEELS: Readonly<Record<`${string}-${Device}`, Wheel>> = {
  "linux-x86_64-cpu": wheel("tensorflow-cpu", "manylinux_2_27_x86_64", {
    sha256: "dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb",
    bytes: 274000871,
    suffix: ".so.2",
    framework: ["f060b323b26ef80add21b9df9428de3aeaf2843d772c5bb098745f7abff3709b", 65222328],
    cc: ["6505a4b9657e62100c6bdacb683957a395cb047725042945aaa50e40a71e429e", 788086608],
  }),
  "linux-aarch64-cpu": wheel("tensorflow", "manylinux_2_27_aarch64", {
    sha256: "b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552",
    bytes: 281946471,
    suffix: ".so.2",
    framework: ["deade33b9ab90ff468fd1d1f8f6079bec5a3a507cf2d13c3218aa8beec28aeb3", 68176664],
    cc: ["5f7de6ba6478ed7b83767a6e661e3e6e6931b05c64db14ba98250e52316a007c", 814885544],
  }),
  "darwin-aarch64-cpu": wheel("tensorflow", "macosx_12_0_arm64", {
    sha256: "56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712",
    bytes: 223488205,
    suffix: ".2.dylib",
    framework: ["34f4b7baabc727dbd85e67741df3f4ce4f07e21b7ab57b9f818a3701d99b1287", 49452976],
    cc: ["e003ba85c57343137691f436beed1b13fe93e9dbe54acdbcc285fe2d8090f6c5", 691352648],
  }),
  "linux-x86_64-gpu": wheel("tensorflow", "manylinux_2_27_x86_64", {
    sha256: "b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0",
    bytes: 572611111,
    suffix: ".so.2",
    framework: ["98847c6f0448308159f6d3ff55e13a9e92978598c7fbb34cde63aadf35c6fe84", 162648808],
    cc: ["2889ecc99d7641620f41a4bea538f4dd4b626f75aa3e12623161ae939054191c", 1096372272],
    below: "tensorflow/", // the libraries' run paths lead from here to the folder `nvidia`
    companions: CUDA_WHEELS,
  }),
};
