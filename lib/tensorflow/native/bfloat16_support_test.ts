import { assert, assertFalse } from "@std/assert";
import { emulatesBfloat16 } from "./bfloat16_support.ts";

Deno.test("emulatesBfloat16() is true for x86 processors without instructions for bfloat16", () => {
  const emulates = (arch: string, flags: string[] | undefined) =>
    emulatesBfloat16({ arch, flags: flags && new Set(flags) });
  assert(emulates("x86_64", ["avx2", "avx512f", "avx512_vnni"]));
  for (const flag of ["avx512_bf16", "amx_bf16", "avx_ne_convert"]) {
    assertFalse(emulates("x86_64", ["avx512f", flag]));
  }
  assertFalse(emulates("aarch64", ["asimd"]));
  assertFalse(emulates("x86_64", undefined));
});
