/**
 * Detection of stale outputs. The notebook's metadata contains checksums of the code and data that the outputs depend on.
 * Outputs are not compared, because timings and last digits depend on the machine.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { readRegular } from "../file/regular.ts";
import { canonicalJson, sha256Hex, sourcesHash } from "../record/mod.ts";
import { joined, type Notebook } from "./ipynb.ts";

/** Checksums of the code and data that outputs depend on. */
interface Sources {
  /** Code cells, including the cell of given parameters. */
  readonly cells: string;
  /** Code in `lib/`, without tests. */
  readonly lib: string;
  /** Files listed in `reads`. */
  readonly reads: string;
}

/** Metadata of the notebook under `losskit`. */
interface Stamp {
  /** Files that the cells read, relative to the notebook's folder. Listed by the author. */
  readonly reads?: readonly string[];
  /** Checksums, written with the outputs. */
  readonly sha256?: Partial<Sources>;
}

const WHAT: Readonly<Record<keyof Sources, string>> = {
  cells: "cells",
  lib: "lib/",
  reads: "files that it reads",
};

/**
 * Returns a copy of the notebook whose metadata contains the current checksums of its code and data.
 *
 * @param path Path of the notebook, the base of the paths in `reads`.
 */
export function stamped(notebook: Notebook, path: string): Notebook {
  const losskit = { ...stampOf(notebook), sha256: sourcesOf(notebook, path) };
  return { ...notebook, metadata: { ...notebook.metadata, losskit } };
}

/** Returns the reasons why a notebook's outputs are stale. Returns an empty list if the outputs are up to date. */
export function staleness(notebook: Notebook, path: string): string[] {
  const { sha256 } = stampOf(notebook);
  if (sha256 === undefined) return ["never run"];
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
      return [name, sha256Hex(readRegular(join(dirname(path), name)))];
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(
        `Cannot use ${path}: its metadata lists ${name} in reads: ${(error as Error).message}`,
        {
          cause: error,
        },
      );
    }
  });
  return {
    cells: sha256Hex(canonicalJson(code.map(({ id, source }) => [id, joined(source)]))),
    lib: sourcesHash(),
    reads: sha256Hex(canonicalJson(reads)),
  };
}
