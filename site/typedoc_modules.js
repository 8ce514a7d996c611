/** TypeDoc plugin that names modules as programs import them: `lib/train/mod.ts` is `losskit/train`. */
// @ts-ignore: resolved by the deno.json of this folder
import { Converter, ReflectionKind } from "typedoc";

/** Called by TypeDoc. */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    for (
      const module of context.project.getReflectionsByKind(
        ReflectionKind.Module,
      )
    ) {
      const path = module.name.replace(/(^|\/)mod$/, "");
      module.name = path === "" ? "losskit" : `losskit/${path}`;
    }
  });
}
