/**
 * Pages of the documentation: Markdown files of the checkout and its notebooks.
 *
 * @module
 */
import { dirname, join, normalize } from "node:path";
import { readNotebook } from "../lib/notebook/ipynb.ts";
import { notebookPage } from "./notebook_page.ts";

/** Extensions of files that pages show. */
const SHOWN = /\.(svg|png)$/;

/**
 * Writes the pages in the folders of their sources. `README.md` becomes `index.md`.
 *
 * @param root Folder of the checkout.
 * @param out Folder of the pages.
 */
export function writePages(root: string, out: string): void {
  const write = (path: string, text: string) => {
    Deno.mkdirSync(dirname(join(out, path)), { recursive: true });
    Deno.writeTextFileSync(join(out, path), text);
  };
  const notebooks = namesIn(join(root, "notebooks"), ".ipynb");
  for (const path of markdownFiles(root)) {
    const folder = dirname(path);
    const text = Deno.readTextFileSync(join(root, path));
    const page = text.replaceAll(
      /(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g,
      (link, image, label, target) => {
        if (/^(https?:|#)/.test(target)) return link;
        const [file, anchor = ""] = target.split("#");
        const linked = normalize(join(folder, file));
        if (SHOWN.test(linked)) {
          write(linked, Deno.readTextFileSync(join(root, linked)));
        }
        if (image !== "" || SHOWN.test(linked)) return link;
        const notebook = /^experiments\/(\w+)\.ts$/.exec(linked)?.[1];
        if (notebook !== undefined && notebooks.includes(notebook)) {
          return `[${label}](${join(relativeRoot(folder), "notebooks", `${notebook}.md`)})`;
        }
        if (!linked.endsWith(".md")) return label; // Sources are not part of the site.
        const page = file.replace(/README\.md$/, "index.md");
        return `[${label}](${page}${anchor === "" ? "" : `#${anchor}`})`;
      },
    );
    write(path.replace(/README\.md$/, "index.md"), page);
  }
  for (const name of notebooks) {
    const { markdown, figures } = notebookPage(
      readNotebook(join(root, "notebooks", `${name}.ipynb`)),
      name,
    );
    write(`notebooks/${name}.md`, markdown);
    for (const [file, svg] of figures) write(`notebooks/${file}`, svg);
  }
}

/** Returns the names of the files in a folder that have an extension, without it, sorted. */
export function namesIn(folder: string, extension: string): string[] {
  return [...Deno.readDirSync(folder)].filter(({ isFile, name }) => isFile && name.endsWith(extension))
    .map(({ name }) => name.slice(0, -extension.length)).sort();
}

/** Returns the paths of the checkout's pages in Markdown. */
function markdownFiles(root: string): string[] {
  const docs = namesIn(join(root, "docs"), ".md").map((name) => `docs/${name}.md`);
  return [
    ...[
      "README.md",
      "CHANGELOG.md",
      "CONTRIBUTING.md",
      "data/README.md",
      "experiments/README.md",
    ],
    ...docs,
  ];
}

/** Returns the path from a folder to the root, such as `..`. */
function relativeRoot(folder: string): string {
  return folder === "." ? "." : folder.split("/").map(() => "..").join("/");
}
