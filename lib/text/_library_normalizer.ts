/**
 * Schema that converts the normalizer of a `tokenizer.json` to the form that the package `@huggingface/tokenizers`
 * accepts.
 *
 * @module
 */
import * as v from "valibot";
import {
  flag,
  listOf,
  oneOf,
  type OptionalPart,
  type Part,
  part,
  plain,
  replace,
  replacing,
  sequence,
} from "./_library_part.ts";

/** The package lowercases a sigma at the end of a word differently. */
const lowercase: readonly Part[] = [replace("\u03a3", "\u03c3"), { type: "Lowercase" }];

/** Chinese characters, which BERT's normalizer sets apart. */
const CHINESE = [
  [0x4e00, 0x9fff],
  [0x3400, 0x4dbf],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f],
  [0x2b920, 0x2ceaf],
  [0xf900, 0xfaff],
  [0x2f800, 0x2fa1f],
].map((bounds) => bounds.map((bound) => `\\x{${bound.toString(16)}}`).join("-")).join("");

const bert = part({
  clean_text: flag,
  handle_chinese_chars: flag,
  strip_accents: v.nullish(flag),
  lowercase: flag,
}, ({ clean_text, handle_chinese_chars, strip_accents, lowercase: lowers }) => {
  const none = {
    type: "BertNormalizer",
    clean_text: false,
    handle_chinese_chars: false,
    lowercase: false,
    strip_accents: false,
  };
  return sequence("normalizers", [
    { ...none, clean_text },
    ...(handle_chinese_chars ? [replace(`[${CHINESE}]`, " $& ")] : []),
    { ...none, strip_accents: strip_accents ?? lowers },
    ...(lowers ? lowercase : []),
  ]);
});

/** Schema of normalizers. */
export const normalizer: OptionalPart = oneOf({
  BertNormalizer: bert,
  Replace: replacing,
  ...Object.fromEntries(["NFC", "NFD", "NFKC", "NFKD", "StripAccents"].map((type) => [type, part({})])),
  Lowercase: part({}, () => sequence("normalizers", lowercase)),
  Strip: part({ strip_left: flag, strip_right: flag }),
  // The package prepends to an empty text too.
  Prepend: part(
    { prepend: v.pipe(v.string(), v.minLength(1)) },
    ({ prepend }) => replace("\\A(?=[\\s\\S])", plain(prepend)),
  ),
  Sequence: part({ normalizers: listOf(() => normalizer) }),
});
