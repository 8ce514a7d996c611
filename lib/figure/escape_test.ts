import { assert, assertEquals, assertMatch } from "@std/assert";
import { escapeHtml, plotlyText } from "./escape.ts";

const HOSTILE = `</script><img src=x onerror="alert('1')">&lt;\u2028\u2029<!--`;

Deno.test("escapeHtml() escapes all characters that open a tag, an attribute or an entity", () => {
  assertEquals(escapeHtml(`<a b="c" d='e'>&amp;`), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;");
  assert(!/[<>"']/.test(escapeHtml(HOSTILE)));
  assertEquals(escapeHtml("\ud800"), "\ufffd");
});

Deno.test("plotlyText() escapes tags, removes line ends, and cuts before it escapes", () => {
  assertEquals(plotlyText('<a href="x">&lt;b'), '&lt;a href="x"&gt;&amp;lt;b');
  assertMatch(plotlyText("a\nb"), /^a\ufffdb #[0-9a-f]{6}$/);
  assertMatch(plotlyText("<".repeat(200)), /^(&lt;){91}…(&lt;){20} #[0-9a-f]{6}$/);
});
