/**
 * A tokenizer with one token per Unicode code point that occurs in a text. There is no unknown token: encoding any
 * other character throws an error.
 *
 * @module
 */

import { describePosition, nameCodePoint, requireWellFormed } from "./_checks.ts";
import { IdBuffer } from "./_id_buffer.ts";
import { describeDamage } from "./_utf8.ts";
import { requireIds, type Tokenizer } from "./tokenizer.ts";
import { CHARACTER_CUT, JSON_FRAME, type TokenizerJson } from "./tokenizer_json.ts";

/**
 * Creates a character tokenizer. Its tokens are the distinct code points of a text, in ascending order.
 *
 * @param text A text, or the parts of a text. A part must not begin inside a character.
 * @throws {RangeError} If the text is empty or has a lone surrogate.
 */
export function trainCharacterTokenizer(text: string | Iterable<string>): Tokenizer {
  const action = "make a character tokenizer";
  const seen = new Uint8Array(0x110000);
  for (const part of typeof text === "string" ? [text] : text) {
    requireWellFormed(part, action);
    for (let i = 0; i < part.length;) {
      const codePoint = part.codePointAt(i)!;
      seen[codePoint] = 1;
      i += codePoint > 0xffff ? 2 : 1;
    }
  }
  const codePoints = Int32Array.from(seen.keys().filter((codePoint) => seen[codePoint] === 1));
  if (codePoints.length === 0) {
    throw new RangeError(`Cannot ${action}: expected at least 1 character, got an empty text`);
  }
  return new CharacterTokenizer(codePoints);
}

/**
 * Creates a character tokenizer from its alphabet.
 *
 * @param alphabet The characters in the order of their ids, which is the ascending order of code points.
 * @throws {RangeError} If the alphabet is empty or unsorted, or has a duplicate or a lone surrogate.
 */
export function createCharacterTokenizer(alphabet: string): Tokenizer {
  const action = "load a character tokenizer";
  requireWellFormed(alphabet, action);
  const codePoints = Int32Array.from(alphabet, (character) => character.codePointAt(0)!);
  if (codePoints.length === 0) {
    throw new RangeError(`Cannot ${action}: expected at least 1 character, got an empty alphabet`);
  }
  for (let i = 1; i < codePoints.length; i++) {
    if (codePoints[i]! <= codePoints[i - 1]!) {
      throw new RangeError(
        `Cannot ${action}: expected a sorted alphabet without duplicates, got ` +
          `${nameCodePoint(codePoints[i]!)} after ${nameCodePoint(codePoints[i - 1]!)}`,
      );
    }
  }
  return new CharacterTokenizer(codePoints);
}

/** Maps code points to ids and back. */
class CharacterTokenizer implements Tokenizer {
  readonly name = "character";
  readonly vocabSize: number;
  readonly byteLengths: Int32Array;
  readonly #codePoints: Int32Array;
  /** Id + 1 of each code point up to the largest of the alphabet; 0 for code points outside the alphabet. */
  readonly #idPlusOne: Int32Array;

  constructor(codePoints: Int32Array) {
    this.vocabSize = codePoints.length;
    this.#codePoints = codePoints;
    this.#idPlusOne = new Int32Array(codePoints.at(-1)! + 1);
    codePoints.forEach((codePoint, id) => this.#idPlusOne[codePoint] = id + 1);
    this.byteLengths = codePoints.map((codePoint) =>
      codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4
    );
  }

  encode(text: string): Int32Array {
    const ids = new IdBuffer(text.length);
    this.encodeInto(text, ids);
    return ids.take();
  }

  encodeInto(text: string, ids: IdBuffer): void {
    for (let i = 0; i < text.length;) {
      const codePoint = text.codePointAt(i)!;
      const idPlusOne = this.#idPlusOne[codePoint] ?? 0;
      if (idPlusOne === 0) {
        throw new RangeError(
          `Cannot encode text: expected characters of the tokenizer's alphabet (${this.vocabSize}), got ` +
            `${nameCodePoint(codePoint)} at ${describePosition(text, i)}. ` +
            "Train the tokenizer on text with this character, or use a byte-pair tokenizer",
        );
      }
      ids.push(idPlusOne - 1);
      i += codePoint > 0xffff ? 2 : 1;
    }
  }

  decode(ids: ArrayLike<number>): string {
    requireIds(ids, this.vocabSize);
    const characters: string[] = [];
    for (let i = 0; i < ids.length; i++) {
      characters.push(String.fromCodePoint(this.#codePoints[ids[i]!]!));
    }
    return characters.join("");
  }

  encodeBytes(bytes: Uint8Array): Int32Array {
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      throw new RangeError(`Cannot encode bytes: expected UTF-8, got text that ${describeDamage(bytes, 0)}`, {
        cause,
      });
    }
    return this.encode(text);
  }

  decodeBytes(ids: ArrayLike<number>): Uint8Array<ArrayBuffer> {
    return new TextEncoder().encode(this.decode(ids));
  }

  safeCut(text: string): number {
    return text.length;
  }

  toJSON(): TokenizerJson {
    const characters = Array.from(this.#codePoints, (codePoint) => String.fromCodePoint(codePoint));
    return {
      ...JSON_FRAME,
      pre_tokenizer: CHARACTER_CUT,
      decoder: { type: "Fuse" },
      model: {
        type: "WordLevel",
        vocab: Object.fromEntries(characters.map((character, id) => [character, id])),
        unk_token: "<unknown>",
      },
    };
  }
}
