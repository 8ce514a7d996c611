/** VitePress configuration. `deno task docs` writes the pages and `site.json`, which has the base path and the navigation. */
// @ts-ignore: resolved by the deno.json of this folder
import katex from "@vscode/markdown-it-katex";
import { readFileSync } from "node:fs";

const dist = new URL("../dist/", import.meta.url);
const { base, version, sidebar } = JSON.parse(
  readFileSync(new URL("site.json", dist), "utf8"),
);
const path = (name) => new URL(name, dist).pathname;

/** Keeps short words with hyphens on one line, such as `--override`. Browsers break lines after a hyphen. */
const keepHyphens = (html) =>
  html.replaceAll(
    /(?<=[>\s])[^<>\s]*-[^<>\s]*(?=[<\s])/g,
    (word) => word.length <= 24 ? `<span class="word">${word}</span>` : word,
  );

export default {
  base,
  title: "losskit",
  description: "Reproducible language-model loss experiments in Deno",
  lang: "en-US",
  srcDir: path("pages"),
  outDir: path("site") + base,
  cacheDir: path("cache"),
  // The navigation is in one file instead of in each page.
  metaChunk: true,
  head: [["link", { rel: "icon", href: "data:," }]],
  markdown: {
    config: (md) => {
      // Formulas become MathML, which needs no fonts.
      md.use(katex.default ?? katex, { output: "mathml" });
      const code = md.renderer.rules.code_inline;
      md.renderer.rules.code_inline = (...args) => keepHyphens(code(...args));
    },
  },
  vite: {
    // Small figures stay files, so that their style and their link check are those of the others.
    build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 4000 },
  },
  themeConfig: {
    search: {
      provider: "local",
      options: {
        // Lists of a module's names would come before the pages of the names.
        _render: (text, env, md) => {
          const html = md.render(text, env);
          return /^api\/(.*\/)?index\.md$/.test(env.relativePath) ? "" : html;
        },
      },
    },
    outline: [2, 3],
    nav: [
      { text: "Guide", link: "/docs/install", activeMatch: "^/(docs|data)/" },
      {
        text: "Notebooks",
        link: "/notebooks/01_the_loss",
        activeMatch: "^/(notebooks|experiments)/",
      },
      { text: "API", link: "/api/", activeMatch: "^/api/" },
      { text: version, link: "/CHANGELOG" },
    ],
    sidebar,
  },
};
