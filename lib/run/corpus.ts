/**
 * Loads corpora by their names in a spec, and tokenizes them. Runs share a cache of tokens.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { isMarkovName, loadMarkov } from "../../data/markov.ts";
import { loadShakespeare } from "../../data/shakespeare.ts";
import { UserError } from "../error/user_error.ts";
import { cacheDir } from "../fetch/cache.ts";
import { createProgress, type Progress } from "../progress/progress.ts";
import { type DataSource, type RunSpec, sourcesHash } from "../record/mod.ts";
import {
  type CacheOptions,
  type Corpus,
  joinCorpora,
  loadTextFiles,
  prepareCorpus,
  type PreparedCorpus,
  type TokenizerName,
} from "../text/mod.ts";
import { inputTokenizer } from "./inputs.ts";

/** Smallest text size, in bytes, for which tokenization shows its progress. Smaller texts take a few seconds. */
const SHOW_PROGRESS = 2 ** 25;

/** The text of one name. */
interface Part {
  readonly corpus: Corpus;
  /** Absolute path. Undefined for built-in corpora. */
  readonly path?: string;
  /** Entropy rate in nats per character, if known. */
  readonly entropyRate?: number;
}

async function loadPart(name: string): Promise<Part> {
  if (name === "shakespeare") return { corpus: await loadShakespeare() };
  if (isMarkovName(name)) {
    const { corpus, source } = loadMarkov(name);
    return { corpus, entropyRate: source.entropyRate };
  }
  return { corpus: loadTextFiles(name), path: resolve(name) };
}

/**
 * Loads a corpus.
 *
 * @param data `shakespeare`, `markov` with or without parameters, the path of a text file or folder, or a glob pattern.
 * The texts of a list are concatenated.
 * @returns `corpus`: the text. `source`: its name, path and SHA-256, as records hold them.
 * @throws {UserError} If a corpus or file is missing, a file is named twice, or two named texts have the same content.
 */
export async function loadCorpus(
  data: string | readonly string[],
): Promise<{ corpus: Corpus; source: DataSource }> {
  const names = typeof data === "string" ? [data] : data;
  const parts: Part[] = [];
  for (const name of names) {
    const part = await loadPart(name);
    if (part.path === undefined && parts.some(({ corpus }) => corpus.name === part.corpus.name)) {
      throw new UserError(
        `Cannot use the corpus: expected each text once, got ${
          JSON.stringify(name)
        } twice. Remove one of them`,
      );
    }
    parts.push(part);
  }
  const [only] = parts;
  if (only !== undefined && parts.length === 1) {
    const { corpus, path, entropyRate } = only;
    const { name, sha256 } = corpus;
    return {
      corpus,
      source: {
        name,
        ...(path !== undefined && { path }),
        sha256,
        ...(entropyRate !== undefined && { entropyRate }),
      },
    };
  }
  const corpus = joinCorpora(parts.map(({ corpus }) => corpus), { name: nameOf(parts) });
  requireOtherContent(parts, names);
  const path = parts.map(({ corpus, path }) => path ?? corpus.name);
  return { corpus, source: { name: corpus.name, path, sha256: corpus.sha256 } };
}

/**
 * Requires that no two named texts have the same content: the copy could put validation text into the training split.
 */
function requireOtherContent(parts: readonly Part[], names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const [i, { corpus: { sha256 } }] of parts.entries()) {
    const name = JSON.stringify(names[i]), before = seen.get(sha256);
    if (before !== undefined) {
      throw new UserError(
        `Cannot use the corpus: expected each text once, got ${name} with the content of ${before}. ` +
          "Remove one of them",
      );
    }
    seen.set(sha256, name);
  }
}

/** Returns a joint name such as `a.txt+b.txt` or `a.txt+b.txt+3 more`. */
function nameOf(parts: readonly Part[]): string {
  const names = parts.map(({ corpus }) => corpus.name);
  return (names.length <= 3 ? names : [...names.slice(0, 2), `${names.length - 2} more`]).join("+");
}

/**
 * Describes the entropy rate of a corpus as a line for the terminal. Returns undefined if the entropy rate is unknown.
 */
export function describeEntropy({ name, entropyRate }: DataSource): string | undefined {
  if (entropyRate === undefined) return undefined;
  const bits = entropyRate / Math.LN2;
  return `${name}: entropy rate ${entropyRate.toFixed(4)} nats per character (${bits.toFixed(4)} bits), ` +
    "the lowest loss that any model can reach";
}

/** Returns the location of the token cache. Warns and returns undefined if the cache is not writable. */
function tokenCache(): CacheOptions | undefined {
  const root = join(cacheDir(), "tokens");
  try {
    Deno.mkdirSync(root, { recursive: true });
    Deno.removeSync(Deno.makeTempFileSync({ dir: root, prefix: "probe-" }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`warning: tokens are not cached, because ${root} is not writable: ${reason}`);
    return undefined;
  }
  return { root, version: sourcesHash("text") };
}

/**
 * Tokenizes a corpus for a run, or reads the tokens from the user's cache. A read-only cache is not updated.
 *
 * @param corpus The text.
 * @param spec The run's tokenizer and documents.
 * @param dir The sweep's folder. It holds a copy of the tokenizer if the spec names a tokenizer file. Default: only a
 * tokenizer file that this process has already read can be used.
 * @throws {UserError} If the tokenizer's file is missing, or the text cannot be tokenized ({@linkcode prepareCorpus}).
 */
export async function prepareForRun(
  corpus: Corpus,
  spec: Pick<RunSpec, "tokenizer" | "documents" | "separator">,
  dir?: string,
): Promise<PreparedCorpus> {
  const { tokenizer, documents, separator } = spec;
  let progress: Progress | undefined;
  const onProgress = (done: number, total: number) => {
    progress ??= createProgress({ label: `${corpus.name} as tokens (${tokenizer})`, total, unit: "bytes" });
    progress.update(done);
  };
  const prepared = await prepareCorpus(corpus, {
    ...{ tokenizer: tokenizer as TokenizerName, documents, separator }, // checked with the spec
    loadFile: () => inputTokenizer(tokenizer, [dir]),
    cache: tokenCache(),
    onProgress: corpus.bytes > SHOW_PROGRESS ? onProgress : undefined,
  });
  progress?.finish("done");
  return prepared;
}
