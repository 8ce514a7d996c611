/**
 * Detection of processors without bfloat16 arithmetic.
 *
 * @module
 */
import { readCpuInfo } from "../../file/cpu_info.ts";

/** Features of x86 processors with which oneDNN multiplies or converts bfloat16 numbers by instructions. */
const INSTRUCTIONS = ["avx512_bf16", "amx_bf16", "avx_ne_convert"] as const;

/**
 * Returns true if oneDNN emulates bfloat16 on this machine: on an x86 processor without instructions for bfloat16. A
 * matrix product then takes about 3 times as long as in float32 (measured on an Intel Xeon, Ice Lake). False if the
 * processor's features are unknown.
 *
 * @param machine Architecture, and features of the processor (undefined: unknown). Default: this machine.
 */
export function emulatesBfloat16(
  { arch, flags }: { arch: string; flags: ReadonlySet<string> | undefined } = {
    arch: Deno.build.arch,
    flags: readCpuInfo()?.flags,
  },
): boolean {
  return arch === "x86_64" && flags !== undefined && !INSTRUCTIONS.some((name) => flags.has(name));
}
