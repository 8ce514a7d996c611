/**
 * GPT-2's tokenizer (r50k_base). Its merges come from the table in the npm package `gpt-tokenizer`. The package's
 * encoder is not used, since it requires the whole text at once and encodes only a few megabytes per second.
 *
 * @module
 */
import { latin1 } from "./_latin1.ts";
import { type BpeTokenizer, createBpeTokenizer, type Merge } from "./bpe_tokenizer.ts";

/** The only token that no merge makes: GPT-2's end of a document. The same characters in a text are ordinary text. */
const END_OF_TEXT = "<|endoftext|>";

let loaded: Promise<BpeTokenizer> | undefined;

/** Loads GPT-2's tokenizer with 50,257 tokens. The first call loads the table of merges. */
export function loadGpt2Tokenizer(): Promise<BpeTokenizer> {
  return loaded ??= make();
}

async function make(): Promise<BpeTokenizer> {
  const { default: table } = await import("gpt-tokenizer/bpeRanks/r50k_base");
  const encoder = new TextEncoder();
  const tokens = table.map((token) =>
    typeof token === "string" ? encoder.encode(token) : Uint8Array.from(token)
  );
  const byteOrder = Uint8Array.from(tokens.slice(0, 256), ([byte]) => byte!);
  return createBpeTokenizer(mergesOf(tokens), {
    ...{ byteOrder, cut: "gpt2", special: [END_OF_TEXT], name: "gpt2" },
  });
}

/**
 * Derives the merges from a table of tokens in order of rank. Applying the earlier merges to the bytes of a token
 * leaves two parts: the pair that the token's own merge joins.
 */
function mergesOf(tokens: readonly Uint8Array[]): Merge[] {
  const written = tokens.map(latin1);
  const ids = new Map(written.map((token, id) => [token, id]));
  return written.slice(256).map((token, i) => {
    const parts = Array.from(token);
    while (parts.length > 2) {
      let best = Infinity, at = 0;
      for (let k = 0; k + 1 < parts.length; k++) {
        const rank = ids.get(parts[k]! + parts[k + 1]!) ?? Infinity;
        if (rank < best) [best, at] = [rank, k];
      }
      if (best >= 256 + i) {
        throw new Error(`GPT-2's table is damaged: token ${256 + i} is not made of earlier ones`);
      }
      parts.splice(at, 2, parts[at]! + parts[at + 1]!);
    }
    return [ids.get(parts[0]!)!, ids.get(parts[1]!)!] as const;
  });
}
