/**
 * From the names in a spec to a corpus, and from a corpus to tokens that runs share.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { isMarkovName, loadMarkov } from "../../data/markov.ts";
import { loadShakespeare } from "../../data/shakespeare.ts";
import { UserError } from "../error/user_error.ts";
import { cacheDir } from "../fetch/cache.ts";
import { createProgress, type Progress } from "../progress/progress.ts";
import { type DataSource, hashSources, type RunSpec } from "../record/mod.ts";
import {
  type CacheOptions,
  type Corpus,
  joinCorpora,
  loadTextFiles,
  prepareCorpus,
  type PreparedCorpus,
  type TokenizerName,
} from "../text/mod.ts";

/** Texts above this many bytes show how far their tokens are: smaller ones take a few seconds. */
const SHOW_PROGRESS = 2 ** 25;

/** One name's text. */
interface Part {
  readonly corpus: Corpus;
  /** The absolute path; undefined: it has a name of its own. */
  readonly path?: string;
  /** Nats per character, where they are known. */
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
 * @param data `shakespeare`, `markov` with or without parameters, or the path of a text file, of a folder, or a pattern; or
 * several of these, whose texts come one after the other.
 * @throws {UserError} when there is no such corpus or file, or a file is named twice.
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
        `Cannot use the corpus: every text must be named once: ${JSON.stringify(name)} is there twice`,
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
  const path = parts.map(({ corpus, path }) => path ?? corpus.name);
  return { corpus, source: { name: corpus.name, path, sha256: corpus.sha256 } };
}

/** `a.txt+b.txt`, or `a.txt+b.txt+3 more`. */
function nameOf(parts: readonly Part[]): string {
  const names = parts.map(({ corpus }) => corpus.name);
  return (names.length <= 3 ? names : [...names.slice(0, 2), `${names.length - 2} more`]).join("+");
}

/** What is known of a corpus's loss, in a line for the terminal; undefined: nothing. */
export function describeEntropy({ name, entropyRate }: DataSource): string | undefined {
  if (entropyRate === undefined) return undefined;
  const bits = entropyRate / Math.LN2;
  return `${name}: its entropy rate is ${entropyRate.toFixed(4)} nats a character (${
    bits.toFixed(4)
  } bits): ` +
    "no model loses less in the long run";
}

/** Where tokens are kept; undefined, and a warning, where nothing can be written, as in a cache that users share. */
function tokenCache(): CacheOptions | undefined {
  const root = join(cacheDir(), "tokens");
  try {
    Deno.mkdirSync(root, { recursive: true });
    Deno.removeSync(Deno.makeTempFileSync({ dir: root, prefix: "probe-" }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`tokens stay in memory, since they cannot be kept in ${root}: ${reason}`);
    return undefined;
  }
  return { root, version: hashSources(join(import.meta.dirname!, "..", "text")) };
}

/**
 * Makes tokens of a corpus as a run's spec says, or finds those that another run made: they are kept in the user's
 * cache, if it can be written.
 *
 * @throws {UserError} as {@linkcode prepareCorpus} does.
 */
export async function prepareForRun(
  corpus: Corpus,
  spec: Pick<RunSpec, "tokenizer" | "documents" | "separator">,
): Promise<PreparedCorpus> {
  const { tokenizer, documents, separator } = spec;
  let progress: Progress | undefined;
  const onProgress = (done: number, total: number) => {
    progress ??= createProgress({ label: `${corpus.name} as tokens (${tokenizer})`, total, unit: "bytes" });
    progress.update(done);
  };
  const prepared = await prepareCorpus(corpus, {
    ...{ tokenizer: tokenizer as TokenizerName, documents, separator }, // checked with the spec
    cache: tokenCache(),
    onProgress: corpus.bytes > SHOW_PROGRESS ? onProgress : undefined,
  });
  progress?.finish("done");
  return prepared;
}
