import { resolve } from 'node:path';
import { build } from 'vite';

/** A script that is not part of the page's modules, compiled into one file. */
export async function script(config, source, define = {}) {
  const { output } = await build({
    configFile: false,
    root: config.root,
    publicDir: false,
    logLevel: 'warn',
    define,
    build: {
      write: false,
      target: config.build.target,
      modulePreload: false,
      rolldownOptions: {
        input: resolve(config.root, source),
        output: { format: 'iife' },
      },
    },
  });
  return output[0].code;
}
