/**
 * Mutations of files, as caused by faulty disks, editors and users.
 *
 * @module
 */
import type { Random } from "../../lib/text/mod.ts";

/** Numbers and words that often cause errors. */
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

/** Field names that often cause errors. */
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

/** Returns bytes with one to four mutations: flipped, removed, repeated, zeroed or inserted bytes. */
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

/** Returns a JSON value with one to three changes: another value, or a removed, repeated or renamed field or item. */
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
