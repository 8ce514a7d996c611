/**
 * Rules for the direction of imports, over a graph of files that `deno info` provides.
 *
 * @module
 */

/** Imports of each file or package, including types. Files of the repository are paths from its root. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

const BASE = ["error", "file", "number", "options", "precision", "progress", "fetch"];
const TENSOR_SIDE = ["tensorflow", "text", "model", "train"];

/** Folders of lib that each folder may import, in addition to itself. Files in the root of lib and `cli` may import all. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  error: [],
  file: ["error"],
  number: [],
  options: ["precision"],
  precision: [],
  progress: ["error"],
  fetch: ["error", "file", "progress"],
  tensorflow: BASE,
  text: BASE,
  model: [...BASE, "tensorflow", "text"],
  train: [...BASE, "tensorflow", "text", "model"],
  record: BASE,
  run: [...BASE, ...TENSOR_SIDE, "record"],
  sweep: [...BASE, ...TENSOR_SIDE, "record", "run"],
  proof: [...BASE, ...TENSOR_SIDE, "record", "run", "sweep"],
  cluster: [...BASE, "tensorflow", "record", "run", "sweep"],
  analysis: [...BASE, "record"],
  figure: [...BASE, "record", "analysis"],
  notebook: [...BASE, "record", "analysis", "figure"],
  study: [...BASE, ...TENSOR_SIDE, "record", "run", "sweep", "proof", "analysis", "figure"],
};

/** Folders of lib/tensorflow from the lowest to the highest. Each may import itself and lower folders. */
const TENSORFLOW_ORDER: readonly string[] = ["native", "binding", "precision", "compile", "ops"];

/** Folders of lib that loaders in `data/` may import. */
const ALLOWED_TO_DATA: readonly string[] = [...BASE, "text"];

/** Files that may import the loaders in `data/`: those that choose a corpus. */
const ALLOWED_DATA: readonly string[] = ["run", "cli", ""];

/** Folders that load without TensorFlow, so that their tests take milliseconds. */
const WITHOUT_TENSORFLOW: readonly string[] = ["precision", "text", "record", "analysis", "figure"];

/**
 * Finds imports in the wrong direction, imports of private files of other folders, cycles of files, and import paths to
 * TensorFlow from folders that must not import it.
 *
 * @returns One sentence per problem.
 */
export function layeringProblems(graph: ImportGraph): string[] {
  return [
    ...wrongImports(graph),
    ...upwardImports(graph),
    ...privateImports(graph),
    ...waysToTensorFlow(graph),
    ...cycles(graph),
  ];
}

/** Returns the folder of a file in lib: `text` for `lib/text/batch.ts`, `` for `lib/mod.ts`, undefined for other files. */
function libFolder(path: string): string | undefined {
  const [root, folder, ...rest] = path.split("/");
  if (root !== "lib" || folder === undefined) return undefined;
  return rest.length === 0 ? "" : folder;
}

function wrongImports(graph: ImportGraph): string[] {
  const problems: string[] = [];
  for (const [file, imports] of graph) {
    const from = libFolder(file);
    const isData = file.startsWith("data/");
    if (from === undefined && !isData) continue;
    const mayAll = from === "" || from === "cli";
    if (from !== undefined && !mayAll && ALLOWED[from] === undefined) {
      problems.push(`${file} is in a folder that the order of folders does not name`);
      continue;
    }
    for (const wanted of imports) {
      const to = libFolder(wanted);
      const fine = to !== undefined
        ? mayAll || to === from || (isData ? ALLOWED_TO_DATA : ALLOWED[from ?? ""] ?? []).includes(to)
        : wanted.startsWith("data/")
        ? isData || ALLOWED_DATA.includes(from ?? "")
        : !/^(tests|experiments|notebooks)\//.test(wanted);
      if (!fine) problems.push(`${file} must not import ${wanted}`);
    }
  }
  return problems;
}

/** Returns the imports inside lib/tensorflow from a lower folder to a higher one. */
function upwardImports(graph: ImportGraph): string[] {
  const levelOf = (path: string): number =>
    TENSORFLOW_ORDER.indexOf(/^lib\/tensorflow\/([^/]+)\//.exec(path)?.[1] ?? "");
  return [...graph].flatMap(([file, imports]) =>
    imports
      .filter((wanted) => levelOf(file) >= 0 && levelOf(wanted) > levelOf(file))
      .map((wanted) => `${file} must not import ${wanted}, which is above it`)
  );
}

/** Returns imports of files that start with `_` from outside of their folders. The graph contains no tests. */
function privateImports(graph: ImportGraph): string[] {
  const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);
  return [...graph].flatMap(([file, imports]) =>
    imports
      .filter((wanted) => /^(lib|data)\/(.*\/)?_[^/]*$/.test(wanted) && folderOf(wanted) !== folderOf(file))
      .map((wanted) => `${file} must not import ${wanted}, which is private to its folder`)
  );
}

function isTensorFlow(path: string): boolean {
  return libFolder(path) === "tensorflow" || path.startsWith("npm:") && path.includes("@tensorflow/");
}

function waysToTensorFlow(graph: ImportGraph): string[] {
  const problems: string[] = [];
  for (const file of graph.keys()) {
    if (!WITHOUT_TENSORFLOW.includes(libFolder(file) ?? "")) continue;
    const way = shortestWay(graph, file, isTensorFlow);
    if (way !== undefined) problems.push(`${file} must not reach TensorFlow: ${way.join(" → ")}`);
  }
  return problems;
}

function shortestWay(
  graph: ImportGraph,
  from: string,
  wanted: (path: string) => boolean,
): string[] | undefined {
  const ways = new Map([[from, [from]]]);
  for (const [file, way] of ways) {
    if (wanted(file)) return way;
    // A map also iterates over entries that are added during the iteration. The search is breadth-first.
    for (const next of graph.get(file) ?? []) if (!ways.has(next)) ways.set(next, [...way, next]);
  }
  return undefined;
}

/** Returns one cycle for each file that a depth-first search reaches again on its own path. */
function cycles(graph: ImportGraph): string[] {
  const problems: string[] = [];
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) problems.push(`files import each other: ${[...path.slice(at), file].join(" → ")}`);
    if (at >= 0 || finished.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return problems;
}

/** Fields of the output of `deno info --json`. */
interface Info {
  modules: {
    specifier: string;
    error?: string;
    dependencies?: { specifier: string; code?: Target; type?: Target }[];
  }[];
}
interface Target {
  specifier?: string;
  error?: string;
}

/**
 * Returns the direct and indirect imports of files, from `deno info`.
 *
 * @param files Paths from the repository's root, which is the current folder.
 * @throws {Error} If a file does not load, or an import is missing.
 */
export async function readImportGraph(files: readonly string[]): Promise<ImportGraph> {
  const root = new URL(`file://${Deno.cwd()}/`);
  // deno info accepts one file, so a temporary file imports all.
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const lines = files.map((file) => `import ${JSON.stringify(new URL(file, root).href)};\n`);
    await Deno.writeTextFile(entry, lines.join(""));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", "deno.json", entry],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    }).output();
    if (!success) throw new Error(`deno info failed: ${new TextDecoder().decode(stderr)}`);
    const info: Info = JSON.parse(new TextDecoder().decode(stdout));
    const graph = new Map<string, string[]>();
    const relative = (specifier: string) =>
      specifier.startsWith(root.href) ? specifier.slice(root.href.length) : specifier;
    for (const { specifier, error, dependencies = [] } of info.modules) {
      if (error !== undefined) throw new Error(`Cannot read the imports of ${specifier}: ${error}`);
      if (!specifier.startsWith(root.href)) continue;
      const targets = dependencies.flatMap(({ specifier: written, code, type }) =>
        [code, type].filter((target) => target !== undefined).map(({ specifier: found, error: why }) => {
          if (found === undefined) {
            throw new Error(`${specifier} imports ${written}, which leads nowhere: ${why}`);
          }
          return relative(found);
        })
      );
      graph.set(relative(specifier), [...new Set(targets)]);
    }
    return graph;
  } finally {
    await Deno.remove(entry);
  }
}
