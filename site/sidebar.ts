/**
 * Navigation of the documentation.
 *
 * @module
 */
import { join } from "node:path";
import { namesIn } from "./pages.ts";

/** Entry of VitePress's sidebar: a page, or a group of entries. */
export interface SidebarItem {
  readonly text: string;
  readonly link?: string;
  readonly items?: readonly SidebarItem[];
  readonly collapsed?: boolean;
}

/** Guides in the order in which a new user needs them. */
const GUIDES: Readonly<Record<string, readonly string[]>> = {
  Start: ["index", "docs/install"],
  "Train and compare": [
    "docs/sweeps",
    "docs/specs",
    "docs/options",
    "docs/comparison",
    "docs/files",
    "docs/clusters",
  ],
  "Models and formats": [
    "docs/models",
    "docs/own_code",
    "docs/precision",
    "docs/runtime",
    "data/index",
  ],
  Work: [
    "docs/notebooks",
    "experiments/index",
    "docs/benchmarks",
  ],
  Project: ["docs/promises", "docs/trust", "CONTRIBUTING", "CHANGELOG"],
};

/** TypeDoc's folders of a module, with their headings. */
const KINDS = {
  functions: "Functions",
  classes: "Classes",
  interfaces: "Interfaces",
  "type-aliases": "Types",
  variables: "Constants",
} as const;

/**
 * Returns the sidebar by the begin of a page's path.
 *
 * @param pages Folder of the pages.
 * @throws {Error} If a guide is in no group.
 */
export function sidebarOf(pages: string): Record<string, SidebarItem[]> {
  const item = (page: string): SidebarItem => ({
    text: page === "index" ? "Overview" : titleOf(join(pages, `${page}.md`)),
    link: `/${page.replace(/(^|\/)index$/, "$1")}`,
  });
  const listed = Object.values(GUIDES).flat();
  const missing = namesIn(join(pages, "docs"), ".md").filter((name) => !listed.includes(`docs/${name}`));
  if (missing.length > 0) {
    throw new Error(
      `Cannot place docs/${missing[0]}.md: add it to GUIDES in site/sidebar.ts.`,
    );
  }
  const guides = Object.entries(GUIDES).map(([text, names]) => ({
    text,
    items: names.map(item),
  }));
  const notebooks = namesIn(join(pages, "notebooks"), ".md");
  const isCourse = (name: string) => /^\d/.test(name);
  const courses = [
    {
      text: "Course",
      items: notebooks.filter(isCourse).map((name) => item(`notebooks/${name}`)),
    },
    {
      text: "Experiments",
      items: [
        "experiments/index",
        ...notebooks.filter((name) => !isCourse(name)).map((name) => `notebooks/${name}`),
      ]
        .map(item),
    },
  ];
  const modules = modulesIn(join(pages, "api"));
  const api = Object.fromEntries(
    modules.map((open) => [`/api/${open}/`, moduleList(pages, modules, open)]),
  );
  return {
    ...api,
    "/api/": moduleList(pages, modules),
    "/notebooks/": courses,
    "/experiments/": courses,
    "/": guides,
  };
}

/** Returns TypeDoc's modules as paths, such as `losskit/train`: the folders with an `index.md`. */
function modulesIn(folder: string, path = ""): string[] {
  return [...Deno.readDirSync(join(folder, path))].flatMap(
    ({ isDirectory, isFile, name }) => {
      if (isDirectory && !(name in KINDS)) {
        return modulesIn(folder, join(path, name));
      }
      return isFile && name === "index.md" && path !== "" ? [path] : [];
    },
  ).sort();
}

/** Returns the list of modules. One module may be open: its names are listed. */
function moduleList(
  pages: string,
  modules: readonly string[],
  open?: string,
): SidebarItem[] {
  return modules.map((module) => {
    const text = module, link = `/api/${module}/`;
    if (module !== open) return { text, link };
    const items = Object.entries(KINDS).flatMap(([folder, heading]) => {
      const path = join(pages, "api", module, folder);
      let names: string[];
      try {
        names = namesIn(path, ".md");
      } catch {
        return [];
      }
      return [{
        text: heading,
        items: names.map((name) => ({
          text: name,
          link: `${link}${folder}/${name}`,
        })),
      }];
    });
    return { text, link, items };
  });
}

/** Returns the first heading of a page. */
function titleOf(path: string): string {
  const heading = /^# (.*)$/m.exec(Deno.readTextFileSync(path))?.[1];
  if (heading === undefined) {
    throw new Error(`Cannot list ${path}: expected a heading, got none.`);
  }
  return heading.replaceAll(/[`*]/g, "");
}
