/** What one build of the site is made of; written by scripts/worker.mjs. */
export interface Shell {
  version: string;
  /** Of index.html, whose name does not say its content. */
  integrity: string;
  /** Paths of everything else. */
  files: readonly string[];
}

/** What the shell needs of a service worker's world. */
export interface World {
  origin: string;
  caches: CacheStorage;
  fetch: typeof fetch;
  after(ms: number, run: () => void): void;
}

const PREFIX = 'shell-';
const PAGE = '/index.html';

/** Longer than this nobody waits for the newest page while an older one is here. */
export const PATIENCE_MS = 2_500;

/** Whether a file's name says its content, so that it never changes. */
function isHashed(path: string): boolean {
  return path.startsWith('/assets/');
}

/** Stores a whole build or nothing of it; what an earlier build has stored is not loaded again. */
export async function install(shell: Shell, { caches, fetch }: World): Promise<void> {
  const name = PREFIX + shell.version;
  // The worker that serves the page may be of the same build: then what is stored is its own.
  const isNew = !(await caches.has(name));
  const cache = await caches.open(name);
  const store = async (path: string, init: RequestInit) => {
    const kept = isHashed(path) ? await caches.match(path) : undefined;
    const response = kept ?? (await fetch(path, init));
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    await cache.put(path, response);
  };
  try {
    // While a release goes out, the page may be the one before: that is none of this build.
    await store(PAGE, { cache: 'reload', integrity: shell.integrity });
    await Promise.all(
      shell.files.map((path) => store(path, isHashed(path) ? {} : { cache: 'reload' })),
    );
  } catch (error) {
    if (isNew) await caches.delete(name);
    throw error;
  }
}

/** Forgets builds but this one and the one before, whose page may still be open. */
export async function forgetOld(shell: Shell, { caches }: World): Promise<void> {
  const current = PREFIX + shell.version;
  const others = (await caches.keys()).filter((key) => key.startsWith(PREFIX) && key !== current);
  await Promise.all(others.slice(0, -1).map((key) => caches.delete(key)));
}

/**
 * How a request is answered; undefined: as if there were no worker.
 *
 * A page is the network's if that answers soon, so everybody who is online has the newest; else
 * it is this build's, with all of its files. Nothing of the API is ever stored.
 */
export function answer(
  shell: Shell,
  world: World,
  request: Request,
  preloaded: Promise<Response | undefined> = Promise.resolve(undefined),
): Promise<Response> | undefined {
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== world.origin) return undefined;
  if (pathname.startsWith('/api/') || pathname === '/ws') return undefined;
  if (request.mode === 'navigate') {
    // As the server has it: what has no dot in its last part is a page of the site.
    return /\.[^/]*$/.test(pathname) ? undefined : page(shell, world, request, preloaded);
  }
  if (isHashed(pathname)) return hashed(world, request);
  return shell.files.includes(pathname) ? file(world, request) : undefined;
}

async function page(
  shell: Shell,
  { caches, fetch, after }: World,
  request: Request,
  preloaded: Promise<Response | undefined>,
): Promise<Response> {
  const network = preloaded.then((response) => response ?? fetch(request));
  const soon = await Promise.race([
    network.catch(() => undefined),
    new Promise<undefined>((resolve) => after(PATIENCE_MS, () => resolve(undefined))),
  ]);
  if (soon && soon.status < 500) return soon;
  const cache = await caches.open(PREFIX + shell.version);
  return (await cache.match(PAGE)) ?? soon ?? network;
}

async function hashed({ caches, fetch }: World, request: Request): Promise<Response> {
  return (await caches.match(new URL(request.url).pathname)) ?? fetch(request);
}

async function file({ caches, fetch }: World, request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(new URL(request.url).pathname);
    if (kept) return kept;
    throw error;
  }
}

/** For a worker that takes itself away: nothing of any build stays. */
export async function forgetAll({ caches }: Pick<World, 'caches'>): Promise<void> {
  const keys = (await caches.keys()).filter((key) => key.startsWith(PREFIX));
  await Promise.all(keys.map((key) => caches.delete(key)));
}
