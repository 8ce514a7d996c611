/**
 * Exchanges safetensors files with the Python package `safetensors`. Each side reads the other's files, and both read damaged
 * files in the same way.
 */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { UserError } from "../lib/error/user_error.ts";
import { mutated, withHeader } from "../lib/model/_testing.ts";
import {
  decodeSafetensors,
  type ParameterRecord,
  readSafetensors,
  writeSafetensors,
} from "../lib/model/mod.ts";
import { createRandom } from "../lib/text/mod.ts";
import { capture, pythonWith } from "./support/python.ts";

/** Python program of the other side. */
const PYTHON = `
import hashlib, json, struct, sys
import numpy as np
import safetensors, safetensors.numpy
from safetensors import SafetensorError, TensorSpec, deserialize, safe_open, serialize_file

def bits(t):
    if t["dtype"] != "F16":
        return bytes(t["data"])
    words = np.frombuffer(bytes(t["data"]), "<u2")
    return np.where(words & 0x7fff > 0x7c00, 0x7e00, words).astype("<u2").tobytes()  # one NaN for all

def told(tensors):
    return {name: [t["dtype"], list(t["shape"]), bits(t).hex()] for name, t in tensors}

def read(path):
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    print(json.dumps({"tensors": told(deserialize(open(path, "rb").read())), "metadata": metadata}))

def write(path):
    rng = np.random.default_rng(1)
    plain = {"b.half": rng.standard_normal((3, 5)).astype(np.float16), "a": np.array(np.pi, np.float32),
             "z": rng.standard_normal((2, 0, 3)).astype(np.float32), "ключ 2": rng.standard_normal(7).astype(np.float32)}
    safetensors.numpy.save_file(plain, path, metadata={"format": "np", "ü": "\\u2028"})
    brain = {"brain": np.array([0x3f80, 0xc000, 0x7f80, 0x0001, 0x4049], "<u2"), "odd": np.array([0x4000], "<u2")}
    wide = rng.standard_normal((4, 2)).astype(np.float32)
    serialize_file({**{name: TensorSpec(dtype="bfloat16", shape=a.shape, data_ptr=a.ctypes.data, data_len=a.nbytes)
                       for name, a in brain.items()},
                    "wide": TensorSpec(dtype="float32", shape=wide.shape, data_ptr=wide.ctypes.data,
                                       data_len=wide.nbytes)}, path + ".brain")
    print(json.dumps([told(deserialize(open(p, "rb").read())) for p in (path, path + ".brain")]))

def judge(path):
    verdicts = []
    with open(path, "rb") as file:
        while head := file.read(4):
            data = file.read(struct.unpack("<I", head)[0])
            try:
                content = sorted(told(deserialize(data)).items(), key=lambda item: item[0].encode("utf-16-be"))
                text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
                verdicts.append(hashlib.sha256(text.encode()).hexdigest())
            except Exception as error:
                verdicts.append("refused: " + str(error)[:200])
    print(json.dumps(verdicts))

{"read": read, "write": write, "judge": judge}[sys.argv[1]](sys.argv[2])
`;

const python = await pythonWith("safetensors");
const ask = async (what: string, path: string) =>
  JSON.parse(await capture(python, ["-I", "-c", PYTHON, what, path]));

/** A tensor in the output of both sides: type, shape, bytes in hex. */
type Told = [dtype: string, shape: number[], hex: string];

/** Returns the bytes of a tensor from its numbers. */
function told({ shape, values, dtype = "F32" }: ParameterRecord[string]): Told {
  const wide = new Uint8Array(values.slice().buffer);
  if (dtype === "F32") return [dtype, [...shape], wide.toHex()];
  if (dtype === "BF16") return [dtype, [...shape], wide.filter((_, i) => i % 4 > 1).toHex()]; // the upper halves
  const view = new DataView(new ArrayBuffer(2 * values.length));
  for (const [i, value] of values.entries()) view.setFloat16(2 * i, value, true);
  return [dtype, [...shape], new Uint8Array(view.buffer).toHex()];
}

const toldAll = (tensors: ParameterRecord) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, told(tensor)]));

const given: ParameterRecord = {
  "h.0.attn.c_attn.weight": { shape: [2, 3], values: new Float32Array([1, -2, Infinity, 1e-40, 6, -0]) },
  "2": { shape: [3], values: new Float32Array([0.5, -3, 65504]), dtype: "F16" },
  brain: { shape: [1, 3], values: new Float32Array([-8, 2 ** 100, 2 ** -133]), dtype: "BF16" },
  scalar: { shape: [], values: new Float32Array([7]) },
  empty: { shape: [0, 4], values: new Float32Array(0) },
  'ключ "😀"': { shape: [1], values: new Float32Array([3]), dtype: "BF16" },
};

Deno.test("Python and losskit read each other's files: types, shapes, names, bits, metadata", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "ours.safetensors");
    writeSafetensors(path, { tensors: given, metadata: { step: "12", ü: "\u2028" } });
    const { tensors, metadata } = await ask("read", path);
    assertEquals(tensors, toldAll(given));
    const { "losskit.sha256": checksum, ...rest } = metadata;
    assertEquals(rest, { step: "12", ü: "\u2028" });
    assertMatch(checksum, /^[0-9a-f]{64}$/);

    const theirs = join(folder, "theirs.safetensors");
    const [plain, brain] = await ask("write", theirs);
    const found = await readSafetensors(theirs);
    assertEquals(toldAll(found.tensors), plain);
    assertEquals(found.metadata, { format: "np", ü: "\u2028" });
    assertEquals(found.tensors["a"]!.values, new Float32Array([Math.PI]));
    const other = await readSafetensors(`${theirs}.brain`);
    assertEquals(toldAll(other.tensors), brain);
    assertEquals(other.tensors["brain"]!.values, new Float32Array([1, -2, Infinity, 2 ** -133, 3.140625]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Reasons for which losskit refuses files that Python reads: other types than floating point, and duplicate names. */
const STRICTER =
  /twice|is of type|is of the unknown type|no record of text|does not begin|no shape or no offsets/;

Deno.test("losskit reads none of 5,000 mutated files differently from Python", async () => {
  const random = createRandom(2, "fuzz");
  // Without a checksum, so that only the header matters.
  const parts = Object.entries(given).map(([name, tensor]) => [name, told(tensor)] as const);
  let end = 0;
  const header = Object.fromEntries(parts.map(([name, [dtype, shape, hex]]) => {
    const begin = end;
    return [name, { dtype, shape, data_offsets: [begin, end += hex.length / 2] }];
  }));
  const whole = withHeader(
    JSON.stringify(header),
    Uint8Array.fromHex(parts.map(([, [, , hex]]) => hex).join("")),
  );
  const files = Array.from({ length: 5000 }, (_, i) => i === 0 ? whole : mutated(whole, random));
  const path = await Deno.makeTempFile();
  try {
    const sizes = files.map(({ length }) => new Uint8Array(new Uint32Array([length]).buffer));
    await Deno.writeFile(path, new Blob(files.flatMap((file, i) => [sizes[i]!, file])).stream());
    const verdicts: string[] = await ask("judge", path);
    assertEquals(verdicts.length, files.length);
    let both = 0, neither = 0;
    for (const [i, verdict] of verdicts.entries()) {
      try {
        const content = toldAll(decodeSafetensors(files[i]!, "a file").tensors);
        const sorted = Object.entries(content).sort(([a], [b]) => a < b ? -1 : 1);
        const hash = createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
        assertEquals(hash, verdict, new TextDecoder().decode(files[i]));
        both++;
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        if (verdict.startsWith("refused")) neither++;
        else assertMatch(error.message, STRICTER, new TextDecoder().decode(files[i]));
      }
    }
    assert(verdicts[0]!.length === 64, verdicts[0]);
    assertGreater(both, 100);
    assertGreater(neither, 1000);
  } finally {
    await Deno.remove(path);
  }
});
