/** VitePress's theme with the fonts of the system: pages load nothing from elsewhere. */
// @ts-ignore: resolved by the deno.json of this folder
import Theme from "vitepress/theme-without-fonts";
import "./style.css";

export default Theme;
