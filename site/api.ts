/**
 * TypeDoc's options for the public modules of the library.
 *
 * @module
 */
import { join } from "node:path";

/** Exports that have no page: the program, and TF.js's names under another module. */
const LEFT_OUT = ["./cli", "./tfjs-node"];

/**
 * Writes the options and a TypeScript configuration. TypeScript reads Deno's types from `deno types`, and the types of packages
 * from Deno's cache.
 *
 * @param root Folder of the checkout.
 * @param folder Folder for the written files.
 * @param out Folder of TypeDoc's pages.
 * @returns Path of the options.
 */
export async function typedocOptions(
  root: string,
  folder: string,
  out: string,
): Promise<string> {
  const read = (name: string) => JSON.parse(Deno.readTextFileSync(join(root, name)));
  const { exports }: { exports: Record<string, string> } = read("deno.json");
  const { imports }: { imports: Record<string, string> } = read("import_map.json");
  const modules = Object.entries(exports).filter(([name]) => !LEFT_OUT.includes(name))
    .map(([, path]) => join(root, path));
  const write = (name: string, value: unknown) => {
    const path = join(folder, name);
    Deno.writeTextFileSync(
      path,
      typeof value === "string" ? value : JSON.stringify(value),
    );
    return path;
  };
  const types = write("deno.d.ts", await output(["types"]));
  const { npmCache } = JSON.parse(await output(["info", "--json"]));
  const tsconfig = write("tsconfig.json", {
    compilerOptions: {
      ...{
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
      },
      ...{
        target: "esnext",
        module: "esnext",
        moduleResolution: "bundler",
        lib: ["esnext"],
        types: [],
      },
      paths: Object.fromEntries(
        Object.entries(imports).map(([name, target]) => typePaths(name, target, root, npmCache)),
      ),
    },
    files: [types, ...modules],
  });
  return write("typedoc.json", {
    ...{
      name: "losskit",
      readme: "none",
      entryPoints: modules,
      basePath: join(root, "lib"),
      tsconfig,
      out,
    },
    plugin: [
      "typedoc-plugin-markdown",
      join(root, "site", "typedoc_modules.js"),
    ],
    // `deno check` has checked the types; TypeScript finds none for packages outside of Deno's cache.
    ...{ skipErrorChecking: true, disableSources: true, disableGit: true },
    // Docstrings also link to names that are not exported: their names stay, as text.
    validation: { invalidLink: false, invalidPath: false, notExported: false, notDocumented: false },
    ...{
      outputFileStrategy: "members",
      entryFileName: "index",
      useCodeBlocks: true,
      hidePageHeader: true,
      hideBreadcrumbs: true,
    },
    ...{
      parametersFormat: "table",
      interfacePropertiesFormat: "table",
      classPropertiesFormat: "table",
    },
    ...{
      typeAliasPropertiesFormat: "table",
      typeDeclarationFormat: "table",
      sanitizeComments: true,
    },
  });
}

/** Returns an entry of `paths` for an import of `import_map.json`: a module of the checkout, or a package in Deno's cache. */
function typePaths(
  name: string,
  target: string,
  root: string,
  npmCache: string,
): [string, string[]] {
  if (!target.startsWith("npm:")) return [name, [join(root, target)]];
  const [, package_, version] = /^npm:\/?(.+)@([^/]+)\/?$/.exec(target)!;
  const folders = [...Deno.readDirSync(npmCache)].map((registry) =>
    join(npmCache, registry.name, package_!, version!)
  );
  return name.endsWith("/") ? [`${name}*`, folders.map((folder) => join(folder, "*"))] : [name, folders];
}

/** Returns what a command of Deno prints. */
async function output(args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args,
    env: { NO_COLOR: "1" },
  }).output();
  return new TextDecoder().decode(stdout);
}
