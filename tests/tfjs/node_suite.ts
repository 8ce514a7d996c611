/**
 * Runs one of tfjs-node-gpu's own spec files on losskit's backend, in this process. `run.ts` starts it with the file,
 * the bundle of the core's test helpers, and the specs to skip.
 *
 * The specs are CommonJS and require the package's `index.js`, which loads the native addon. This file substitutes
 * losskit's modules.
 *
 * @module
 */
import { currentTensorFlow } from "../../lib/tensorflow/binding/backend.ts";
import { createRequire, Module } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { useTensorFlow } from "../../lib/tensorflow/mod.ts";
import { io, node } from "../../lib/tensorflow/node.ts";
import { runSpecs } from "./specs.ts";

if (import.meta.main) {
  const [specFile, bundlePath, ignored] = Deno.args as [string, string, string];
  await useTensorFlow();
  const { binding } = currentTensorFlow();
  const dist = dirname(fileURLToPath(import.meta.resolve("@tensorflow/tfjs-node-gpu/dist/node.js")));
  const require = createRequire(`${dist}/`);
  const { version } = require("./version");
  const helpers = await import(bundlePath);
  const stand: Record<string, unknown> = {
    // The package's entry: all of TF.js with tfjs-node's additions.
    [resolve(dist, "index")]: { ...tf, io, node, version: { ...tf.version, "tfjs-node": version } },
    // The addon's path, and the addon.
    "@mapbox/node-pre-gyp": { find: () => "our binding" },
    "our binding": binding,
    "@tensorflow/tfjs-core/dist/jasmine_util": helpers,
    tmp: { dirSync: () => ({ name: Deno.makeTempDirSync() }) },
    // The specs use only the type of its responses.
    "node-fetch": { Response },
  };
  const loader = Module as unknown as {
    _load(request: string, parent: { filename?: string } | undefined, isMain: boolean): unknown;
  };
  const load = loader._load;
  loader._load = (request, parent, isMain) => {
    const name = request.startsWith(".") ? resolve(dirname(parent?.filename ?? dist), request) : request;
    return name in stand ? stand[name] : load.call(Module, request, parent, isMain);
  };
  await runSpecs(() => void require(`./${specFile}`), JSON.parse(ignored));
}
