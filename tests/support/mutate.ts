/**
 * Files with something wrong in them, as bad disks, editors and people make them.
 *
 * @module
 */
import type { Random } from "../../lib/text/mod.ts";

/** Numbers and words that code is likely to trip over. */
const ODD: readonly unknown[] = [
  ...[0, -1, 1, 0.5, -0, 1e308, -1e308, 5e-324, 2 ** 53, 2 ** 31, 1e9, 1e15, 4294967296],
  ...[
    "",
    " ",
    "0",
    "NaN",
    "Infinity",
    "-Infinity",
    "null",
    "__proto__",
    "constructor",
    "é\u0000\ud800",
    "../../x",
  ],
  ...[null, true, false, [], {}, [[]], [null], { "": 0 }, { toString: 1 }, { length: 1e9 }],
];

/** Names of fields that code is likely to trip over. */
const NAMES: readonly string[] = [
  "",
  "0",
  "x",
  "__proto__",
  "constructor",
  "toString",
  "length",
  "T",
  "B",
  "lr",
];

/** Bytes with one to four damages: flipped, cut, doubled, filled with zeros, or strange ones put in. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  let out = bytes.slice();
  for (let i = random.integer(4); i >= 0; i--) {
    const at = random.integer(out.length + 1), length = random.integer(40);
    const rest = out.subarray(Math.min(out.length, at + length));
    const piece = out.slice(at, at + length);
    const changes = [
      () => Uint8Array.of(...out.subarray(0, at)), // the end is lost
      () => Uint8Array.of(...out.subarray(0, at), ...rest), // a piece is lost
      () => Uint8Array.of(...out.subarray(0, at), ...piece, ...piece, ...rest), // a piece is there twice
      () => Uint8Array.of(...out.subarray(0, at), ...piece.fill(0), ...rest), // a block of zeros, as after a power cut
      () =>
        Uint8Array.of(
          ...out.subarray(0, at),
          ...Uint8Array.from({ length }, () => random.integer(256)),
          ...rest,
        ),
      () => out.map((byte, j) => j === at ? byte ^ (1 << random.integer(8)) : byte), // a bit
    ];
    out = changes[random.integer(changes.length)]!();
  }
  return out;
}

/** A JSON value with one to three changes anywhere in it: another value, a field or item lost, doubled or renamed. */
export function mutateJson(value: unknown, random: Random): unknown {
  let out = structuredClone(value);
  for (let i = random.integer(3); i >= 0; i--) out = changeOne(out, random);
  return out;
}

function changeOne(value: unknown, random: Random): unknown {
  const odd = () => structuredClone(ODD[random.integer(ODD.length)]);
  if (typeof value !== "object" || value === null || random.integer(12) === 0) return odd();
  const keys = Object.keys(value);
  if (keys.length === 0) return odd();
  const key = keys[random.integer(keys.length)]!;
  if (Array.isArray(value)) {
    const at = Number(key), copy = [...value];
    const choice = random.integer(4);
    if (choice === 0) copy.splice(at, 1);
    else if (choice === 1) copy.splice(at, 0, structuredClone(copy[at]));
    else if (choice === 2) copy.splice(at, 0, odd());
    else copy[at] = changeOne(copy[at], random);
    return copy;
  }
  const record = { ...value } as Record<string, unknown>;
  const choice = random.integer(6);
  if (choice === 0) delete record[key];
  else if (choice === 1) {
    record[`${key}x`] = record[key];
    delete record[key];
  } else if (choice === 2) record[NAMES[random.integer(NAMES.length)]!] = odd();
  else record[key] = changeOne(record[key], random);
  return record;
}
