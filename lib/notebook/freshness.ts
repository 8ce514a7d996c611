/**
 * Whether a notebook's outputs are those of its cells: what they were made from is noted by checksums in its metadata.
 * Outputs themselves are no evidence, since timings and last digits depend on the machine.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { canonicalJson, hashSources, sha256Hex } from "../record/mod.ts";
import { joined, type Notebook } from "./ipynb.ts";
import { ROOT } from "./type_check.ts";

/** Checksums of what outputs depend on. */
interface Sources {
  /** Code cells, those with given parameters too. */
  readonly cells: string;
  /** The code in `lib/`, tests left out. */
  readonly lib: string;
  /** The files that the notebook says it reads. */
  readonly reads: string;
}

/** The notebook's metadata under `losskit`. */
interface Stamp {
  /** Files that the cells read, from the notebook's folder: written by the author. */
  readonly reads?: readonly string[];
  /** Written when the outputs are. */
  readonly sha256?: Partial<Sources>;
}

const WHAT: Readonly<Record<keyof Sources, string>> = {
  cells: "its cells",
  lib: "lib/",
  reads: "the files that it reads",
};

/**
 * The notebook with checksums of what its outputs are made from now.
 *
 * @param path Its place, from which the files are found that it reads.
 */
export function stamped(notebook: Notebook, path: string): Notebook {
  const losskit = { ...stampOf(notebook), sha256: sourcesOf(notebook, path) };
  return { ...notebook, metadata: { ...notebook.metadata, losskit } };
}

/** Why a notebook's outputs are stale, as ends of a sentence; none where they are fresh. */
export function staleness(notebook: Notebook, path: string): string[] {
  const { sha256 } = stampOf(notebook);
  if (sha256 === undefined) return ["it was never run"];
  const now = sourcesOf(notebook, path);
  const keys = Object.keys(WHAT) as (keyof Sources)[];
  return keys.filter((key) => now[key] !== sha256[key]).map((key) => `${WHAT[key]} changed`);
}

function stampOf({ metadata }: Notebook): Stamp {
  return (metadata["losskit"] ?? {}) as Stamp;
}

function sourcesOf(notebook: Notebook, path: string): Sources {
  const code = notebook.cells.filter(({ cell_type }) => cell_type === "code");
  const reads = (stampOf(notebook).reads ?? []).map((name) => {
    try {
      return [name, sha256Hex(Deno.readFileSync(join(dirname(path), name)))];
    } catch (error) {
      throw new UserError(`Cannot use ${path}: it says that it reads ${name}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  });
  return {
    cells: sha256Hex(canonicalJson(code.map(({ id, source }) => [id, joined(source)]))),
    lib: hashSources(join(ROOT, "lib")),
    reads: sha256Hex(canonicalJson(reads)),
  };
}
