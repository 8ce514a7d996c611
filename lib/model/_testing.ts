/**
 * Damaged and unusual safetensors files, for tests.
 *
 * @module
 */
import type { Random } from "../text/random.ts";

/** Returns a file with the given header, followed by `data`. */
export function withHeader(header: string, data = new Uint8Array(24)): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

/** Returns a file after one to three random changes of its bytes, its length, or its header. */
export function mutated(file: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  let changed = file.slice();
  for (let k = random.integer(3); k >= 0; k--) changed = mutate(changed, random);
  return changed;
}

/** Applies one random change: to bytes, to the length, or to a number or a piece of the header. */
function mutate(
  file: Uint8Array<ArrayBuffer>,
  random: Random,
): Uint8Array<ArrayBuffer> {
  const pick = <T>(list: readonly T[]) => list[random.integer(list.length)]!;
  const kind = random.integer(6);
  if (file.length < 16 || kind === 0) return file.slice(0, random.integer(file.length + 1));
  if (kind === 1) return file.map((byte, i) => i === 7 - (7 % file.length) ? random.integer(256) : byte);
  if (kind === 2) {
    const place = random.integer(file.length);
    return file.map((byte, i) => i === place ? random.integer(256) : byte);
  }
  const length = Math.min(Number(new DataView(file.buffer).getBigUint64(0, true)), file.length - 8);
  const text = new TextDecoder().decode(file.subarray(8, 8 + length)), data = file.subarray(8 + length);
  const numbers = [
    "0",
    "1",
    "-1",
    "1e9",
    "4294967296",
    "9007199254740993",
    "18446744073709551616",
    "1.5",
    "null",
  ];
  const pieces = [
    '"a.weight"',
    '"F32"',
    '"F16"',
    "[",
    "]",
    "{",
    "}",
    ",",
    '"',
    "\\",
    '"__metadata__"',
    "[0,24]",
  ];
  if (kind === 3) return withHeader(text.replace(pick(text.match(/\d+/g) ?? ["0"]), pick(numbers)), data);
  const place = random.integer(text.length + 1);
  if (kind === 4) return withHeader(text.slice(0, place) + pick(pieces) + text.slice(place), data);
  const entries = [...text.matchAll(/"[^"]*":\{[^}]*\},?/g)].map(([entry]) => entry);
  const entry = pick(entries.length > 0 ? entries : [text]);
  return withHeader(text.replace(entry, random.integer(2) === 0 ? entry + entry : ""), data);
}
