/**
 * `deno task build:package [FOLDER]`: writes losskit as an npm package, `losskit-losskit-VERSION.tgz`, and as a folder that
 * any HTTP server can serve.
 *
 * The package contains plain sources. Deno runs them from `node_modules` and from a URL. Specifiers of packages get the
 * versions of `import_map.json`, because import maps do not apply to modules from a URL.
 *
 * @module
 */
import { createTarGzip } from "nanotar";
import { dirname, join } from "node:path";
import { command, runCommand } from "../../lib/cli/command.ts";
import { sourceHashes } from "../../lib/record/mod.ts";
import { findFiles } from "./test_files.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Version of the npm package `deno`, which runs losskit. */
const DENO = "2.9.6";

/** Folders and files of the package, in addition to the ones that {@linkcode buildPackage} writes. */
const CONTENTS = ["bin", "data", "docs", "lib", "CHANGELOG.md", "LICENSE", "README.md"];

/** Fields of `deno.json` that the package keeps. */
interface Config {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly nodeModulesDir: string;
  readonly unstable: readonly string[];
  readonly allowScripts: unknown;
  readonly compilerOptions: unknown;
  readonly publish: { readonly exclude: readonly string[] };
  readonly tasks: Readonly<Record<string, { readonly command: string }>>;
}

/** Mapped specifiers, by name. */
type Imports = Readonly<Record<string, string>>;

/** A built package. */
export interface Built {
  /** Folder with the package's files. */
  readonly folder: string;
  /** Path of the tarball. */
  readonly tarball: string;
}

/**
 * Builds the package.
 *
 * @param out Folder for the package's folder and the tarball. It is created, and a previous build is replaced.
 */
export async function buildPackage(out: string): Promise<Built> {
  const config: Config = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  const imports = packageImports();
  const folder = join(out, "package");
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  const files = new Map<string, string>(
    sourceFiles().map((path) => {
      const text = Deno.readTextFileSync(join(ROOT, path));
      return [path, path.endsWith(".ts") ? withVersions(text, imports) : text];
    }),
  );
  files.set("package.json", formatJson(packageJson(config)));
  files.set("deno.json", formatJson(packageConfig(config, imports)));
  files.set("import_map.json", formatJson({ imports }));
  files.set("deno.lock", formatJson(packageLock(imports)));
  files.set("lib/record/sources.json", formatJson(sourceHashes(join(ROOT, "lib"))));
  for (const [path, text] of files) {
    Deno.mkdirSync(join(folder, dirname(path)), { recursive: true });
    Deno.writeTextFileSync(join(folder, path), text);
  }
  const tarball = join(out, `losskit-losskit-${config.version}.tgz`);
  const entries = [...files].map(([path, data]) => ({
    name: `package/${path}`,
    data,
    attrs: { mode: path.startsWith("bin/") ? "755" : "644" },
  }));
  await Deno.writeFile(tarball, await createTarGzip(entries));
  return { folder, tarball };
}

/** Returns the files of the package, without tests. */
function sourceFiles(): string[] {
  return CONTENTS.flatMap((name) =>
    Deno.statSync(join(ROOT, name)).isFile
      ? [name]
      : findFiles([join(ROOT, name)]).map((path) => path.slice(ROOT.length))
  ).filter((path) => !path.endsWith("_test.ts"));
}

/** Replaces the names of `imports` in the specifiers of a source by `npm:` specifiers with versions. */
function withVersions(source: string, imports: Imports): string {
  const full = (name: string): string => {
    const prefix = Object.keys(imports).filter((key) => key.endsWith("/") && name.startsWith(key)).at(0);
    const found = imports[name] ?? (prefix && `${imports[prefix]}${name.slice(prefix.length)}`);
    return found?.startsWith("npm:") ? found : name;
  };
  return source.replaceAll(
    /((?:^import|^\} from|^(?:import|export) .*? from|\bimport\(|\bimport\.meta\.resolve\(|\/\/ @ts-types=)\s*)"([^".][^"]*)"/gm,
    (_, before: string, name: string) => `${before}"${full(name)}"`,
  );
}

/** Returns the package's `package.json`. Deno resolves losskit's own packages, so that npm installs Deno only. */
function packageJson({ name, version, license, exports }: Config): unknown {
  return {
    ...{ name, version, license },
    description: "Reproducible language-model loss experiments with TF.js on libtensorflow",
    type: "module",
    bin: { losskit: "bin/losskit.mjs" },
    exports: { ...exports, "./deno.json": "./deno.json", "./package.json": "./package.json" },
    dependencies: { deno: DENO },
    engines: { node: ">=18" },
    os: ["linux", "darwin"],
  };
}

/** Returns the imports of the checkout, without the ones of tests. */
function packageImports(): Imports {
  const { imports }: { imports: Imports } = JSON.parse(Deno.readTextFileSync(join(ROOT, "import_map.json")));
  return Object.fromEntries(Object.entries(imports).filter(([, target]) => !target.startsWith("./tests/")));
}

/** Returns the package's `deno.json`. Its imports make it an import map for users' programs, too. */
function packageConfig(config: Config, imports: Imports): unknown {
  const { name, version, license, exports, nodeModulesDir, allowScripts, unstable } = config;
  const { compilerOptions } = config;
  const publish = { exclude: config.publish.exclude };
  const tasks = Object.entries(config.tasks).filter(([, { command }]) => command.includes("lib/cli/"));
  return {
    ...{ name, version, license, exports, nodeModulesDir, allowScripts, unstable, imports, compilerOptions },
    tasks: Object.fromEntries(tasks),
    publish,
  };
}

/** Returns the package's `deno.lock`, which names the packages of its `deno.json` as the ones of the workspace. */
function packageLock(imports: Imports): unknown {
  const lock = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.lock")));
  const names = Object.values(imports).map((target) => target.replace(/^npm:\/?/, "npm:").replace(/\/$/, ""));
  lock.workspace.dependencies = lock.workspace.dependencies.filter((name: string) => names.includes(name));
  lock.workspace.packageJson = { dependencies: [`npm:deno@${DENO}`] };
  return lock;
}

function formatJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

const program = command("build:package", "Write losskit as an npm package and as a folder to serve.")
  .argument("[folder]", "folder of the result", "dist")
  .action(async (out: string) => {
    const { folder, tarball } = await buildPackage(out);
    console.log(`${tarball}\n${folder}`);
  });

if (import.meta.main) await runCommand(program, Deno.args);
