/**
 * A tokenizer that wraps one of losskit's tokenizers, renumbers its ids, and searches text for added tokens. It
 * represents files of Hugging Face's trainers, which assign the first ids to special tokens.
 *
 * @module
 */
import { IdBuffer } from "./_id_buffer.ts";
import { requireIds, type Tokenizer } from "./tokenizer.ts";
import type { TokenizerJson } from "./tokenizer_json.ts";

/** A token added to the model's vocabulary. */
export interface TextToken {
  /** Id of the token. */
  readonly id: number;
  /** Text of the token. */
  readonly content: string;
  /** True if occurrences of `content` in text become this token. */
  readonly matched: boolean;
  /** True if text is searched for this token only after the tokens for which `normalized` is false. */
  readonly normalized: boolean;
}

/** Parameters of {@linkcode renumbered}. */
export interface Renumbering {
  /** New id for each id of the inner tokenizer. */
  readonly ids: Int32Array;
  /** Tokens that the inner tokenizer does not have. */
  readonly added: readonly TextToken[];
  /** Content of the file. */
  readonly json: TokenizerJson;
  /** Name of the tokenizer. */
  readonly name: string;
}

/** Wraps a tokenizer. Ids without a token decode to the empty string. */
export function renumbered(inner: Tokenizer, renumbering: Renumbering): Tokenizer {
  return new RenumberedTokenizer(inner, renumbering);
}

/** Bytes of an id without a token. */
const NO_BYTES = new Uint8Array();

class RenumberedTokenizer implements Tokenizer {
  readonly name: string;
  readonly vocabSize: number;
  readonly byteLengths: Int32Array;
  readonly #inner: Tokenizer;
  readonly #ids: Int32Array;
  readonly #json: TokenizerJson;
  readonly #tokenBytes: Uint8Array[];
  /** Ids of the tokens that text is searched for. */
  readonly #matched = new Map<string, number>();
  /** Patterns that find the tokens, applied in order. */
  readonly #searches: RegExp[];
  readonly #buffer = new IdBuffer(1024);

  constructor(inner: Tokenizer, { ids, added, json, name }: Renumbering) {
    this.name = name;
    this.#inner = inner;
    this.#ids = ids;
    this.#json = json;
    const most = added.reduce((largest, { id }) => Math.max(largest, id), 0);
    this.vocabSize = ids.reduce((largest, id) => Math.max(largest, id), most) + 1;
    this.#tokenBytes = new Array(this.vocabSize).fill(NO_BYTES); // ids may have gaps
    ids.forEach((id, innerId) => this.#tokenBytes[id] = inner.decodeBytes([innerId]));
    for (const { id, content } of added) this.#tokenBytes[id] = new TextEncoder().encode(content);
    this.byteLengths = Int32Array.from(this.#tokenBytes, (bytes) => bytes.length);
    const matched = added.filter((token) => token.matched && token.content !== "");
    for (const { id, content } of matched) this.#matched.set(content, id);
    this.#searches = [false, true].flatMap((normalized) => searchFor(matched, normalized) ?? []);
  }

  encode(text: string): Int32Array {
    const ids = new IdBuffer(text.length);
    this.encodeInto(text, ids);
    return ids.take();
  }

  encodeInto(text: string, ids: IdBuffer): void {
    for (const section of this.#sections(text)) {
      const id = this.#matched.get(section);
      if (id !== undefined) {
        ids.push(id);
        continue;
      }
      this.#buffer.clear();
      this.#inner.encodeInto(section, this.#buffer);
      ids.append(this.#buffer.view().map((innerId) => this.#ids[innerId]!));
    }
  }

  /** Splits text into found tokens and the sections between them. */
  #sections(text: string): string[] {
    return this.#searches.reduce(
      (parts, search) => parts.flatMap((part) => this.#matched.has(part) ? [part] : part.split(search)),
      [text],
    ).filter((part) => part !== "");
  }

  encodeBytes(bytes: Uint8Array): Int32Array {
    try {
      return this.encode(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return this.#inner.encodeBytes(bytes).map((innerId) => this.#ids[innerId]!);
    }
  }

  decode(ids: ArrayLike<number>): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.decodeBytes(ids));
  }

  decodeBytes(ids: ArrayLike<number>): Uint8Array<ArrayBuffer> {
    requireIds(ids, this.vocabSize);
    return Uint8Array.from(Array.from(ids).flatMap((id) => Array.from(this.#tokenBytes[id]!)));
  }

  safeCut(text: string): number {
    return this.#matched.size === 0 ? this.#inner.safeCut(text) : 0;
  }

  toJSON(): TokenizerJson {
    return this.#json;
  }
}

/** Returns a pattern that finds tokens, longest match first; undefined if there are no tokens to find. */
function searchFor(tokens: readonly TextToken[], normalized: boolean): RegExp | undefined {
  const contents = tokens.filter((token) => token.normalized === normalized).map(({ content }) => content);
  if (contents.length === 0) return undefined;
  contents.sort((a, b) => b.length - a.length);
  return new RegExp(`(${contents.map((content) => RegExp.escape(content)).join("|")})`, "u");
}
