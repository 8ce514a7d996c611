/**
 * A tokenizer with one token per Unicode code point, over the alphabet of the text it was made from. It is not for
 * text with characters outside that alphabet: they are an error, not an unknown token.
 *
 * @module
 */

import { describePosition, nameCodePoint, requireWellFormed } from "./_checks.ts";
import { type CharacterTokenizerJson, requireIds, type Tokenizer } from "./tokenizer.ts";

/**
 * Makes a character tokenizer whose alphabet is the sorted distinct code points of a text.
 *
 * @throws {RangeError} if the text is empty or holds a lone surrogate.
 */
export function trainCharacterTokenizer(text: string): Tokenizer {
  const action = "make a character tokenizer";
  if (text.length === 0) {
    throw new RangeError(`Cannot ${action}: the text must have at least 1 character: it is empty`);
  }
  requireWellFormed(text, action);
  const codePoints = new Set<number>();
  for (let i = 0; i < text.length;) {
    const codePoint = text.codePointAt(i)!;
    codePoints.add(codePoint);
    i += codePoint > 0xffff ? 2 : 1;
  }
  return new CharacterTokenizer(Int32Array.from(codePoints).sort());
}

/**
 * Makes a character tokenizer from its JSON.
 *
 * @throws {RangeError} if the alphabet is empty, unsorted, has a character twice or a lone surrogate.
 */
export function characterTokenizerFromJSON(json: CharacterTokenizerJson): Tokenizer {
  const action = "load a character tokenizer";
  requireWellFormed(json.alphabet, action);
  const codePoints = Int32Array.from(json.alphabet, (character) => character.codePointAt(0)!);
  if (codePoints.length === 0) {
    throw new RangeError(`Cannot ${action}: the alphabet must have at least 1 character: it is empty`);
  }
  for (let i = 1; i < codePoints.length; i++) {
    if (codePoints[i]! <= codePoints[i - 1]!) {
      throw new RangeError(
        `Cannot ${action}: the alphabet must be sorted, each character once: ` +
          `${nameCodePoint(codePoints[i]!)} follows ${nameCodePoint(codePoints[i - 1]!)}`,
      );
    }
  }
  return new CharacterTokenizer(codePoints);
}

/** Code points and ids, each way. */
class CharacterTokenizer implements Tokenizer {
  readonly name = "character";
  readonly vocabSize: number;
  readonly byteLengths: Int32Array;
  readonly #codePoints: Int32Array;
  /** Id + 1 of each code point up to the largest of the alphabet; 0 where it is not in it. */
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
    const ids = new Int32Array(text.length);
    let length = 0;
    for (let i = 0; i < text.length;) {
      const codePoint = text.codePointAt(i)!;
      const idPlusOne = this.#idPlusOne[codePoint] ?? 0;
      if (idPlusOne === 0) {
        throw new RangeError(
          `Cannot encode text: every character must be one of the tokenizer's ${this.vocabSize}: ` +
            `${nameCodePoint(codePoint)} at ${describePosition(text, i)} is not. ` +
            "Train the tokenizer on text that has it, or use a byte-pair tokenizer",
        );
      }
      ids[length++] = idPlusOne - 1;
      i += codePoint > 0xffff ? 2 : 1;
    }
    return ids.slice(0, length);
  }

  decode(ids: ArrayLike<number>): string {
    requireIds(ids, this.vocabSize);
    const characters: string[] = [];
    for (let i = 0; i < ids.length; i++) {
      characters.push(String.fromCodePoint(this.#codePoints[ids[i]!]!));
    }
    return characters.join("");
  }

  toJSON(): CharacterTokenizerJson {
    return { kind: "character", alphabet: this.decode(this.#codePoints.map((_, id) => id)) };
  }
}
