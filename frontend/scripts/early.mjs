import { createHash } from 'node:crypto';
import { script } from './script.mjs';

/** The script that runs before anything else; index.html names it so. */
const SOURCE = 'src/early.ts';

/**
 * A Vite plugin that puts src/early.ts among the hashed files, so that index.html is the only
 * file whose content changes under its name, and tells it where the chunks are that it fetches
 * ahead of the main script.
 */
export function early() {
  let config;
  let code = '';
  return {
    name: 'early',
    apply: 'build',
    configResolved(resolved) {
      config = resolved;
    },
    async buildStart() {
      code = await script(config, SOURCE);
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: nameOf(code), source: code });
    },
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle }) {
        const files = Object.values(bundle);
        const chunkOf = (module) =>
          files.find((file) => file.type === 'chunk' && file.facadeModuleId?.endsWith(module));
        const asset = (name) =>
          files.find((file) => file.type === 'asset' && file.names.includes(name));
        const ahead = {
          english: chunkOf('/src/i18n/en.ts'),
          outside: chunkOf('/src/ui/pages/outside.ts'),
          'outside-css': asset('outside.css'),
          rooms: chunkOf('/src/ui/rooms/index.tsx'),
          'rooms-css': asset('rooms.css'),
          log: chunkOf('/src/ui/chat/log.ts'),
          'log-css': asset('log.css'),
        };
        const data = Object.entries(ahead).map(([name, file]) => {
          if (!file) throw new Error(`early.ts can’t find ${name} in the build`);
          return `data-${name}="/${file.fileName}"`;
        });
        const tag = /<script\s+src="\/src\/early\.ts">/;
        if (!tag.test(html)) throw new Error(`index.html does not begin with ${SOURCE}`);
        return html.replace(tag, `<script src="/${nameOf(code)}" ${data.join(' ')}>`);
      },
    },
  };
}

function nameOf(code) {
  const hash = createHash('sha256').update(code).digest('base64url').slice(0, 8);
  return `assets/early-${hash}.js`;
}
