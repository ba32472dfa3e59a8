import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { script } from './script.mjs';

/** Files of public/ that the page itself needs without a network. */
const PUBLIC = ['favicon.svg', 'manifest.webmanifest'];

/**
 * A Vite plugin that builds src/sw into /sw.js and tells it what the site is made of.
 *
 * SITE_WORKER=off builds one that takes itself away (docs/operations.md).
 */
export function serviceWorker() {
  let config;
  return {
    name: 'service-worker',
    apply: 'build',
    enforce: 'post',
    configResolved(resolved) {
      config = resolved;
    },
    generateBundle: {
      order: 'post',
      async handler(_, bundle) {
        const page = bundle['index.html'].source;
        const shell = {
          version: '',
          integrity: `sha256-${createHash('sha256').update(page).digest('base64')}`,
          files: [...Object.keys(bundle).filter((name) => name.startsWith('assets/')), ...PUBLIC]
            .map((name) => `/${name}`)
            .sort(),
        };
        const version = createHash('sha256').update(JSON.stringify(shell));
        for (const name of PUBLIC) version.update(readFileSync(join(config.publicDir, name)));
        shell.version = version.digest('base64url').slice(0, 12);
        const name = process.env.SITE_WORKER === 'off' ? 'remove' : 'worker';
        const source = await script(config, `src/sw/${name}.ts`, { SHELL: JSON.stringify(shell) });
        this.emitFile({ type: 'asset', fileName: 'sw.js', source });
      },
    },
  };
}
