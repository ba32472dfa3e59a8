import { beforeEach, describe, expect, it, vi } from 'vitest';
import { answer, forgetAll, forgetOld, install, PATIENCE_MS, type World } from '../../src/sw/shell';

const ORIGIN = 'https://chat.example';
const shell = {
  version: 'two',
  integrity: 'sha256-page',
  files: ['/assets/index-2.js', '/assets/same-1.css', '/favicon.svg'],
};

/** As a browser's, as far as the worker uses it: by path, in the order of making. */
class FakeCaches {
  kept = new Map<string, Map<string, Response>>();

  async open(name: string) {
    const found = this.kept.get(name) ?? new Map<string, Response>();
    this.kept.set(name, found);
    return {
      match: async (path: string) => found.get(path)?.clone(),
      put: async (path: string, response: Response) => void found.set(path, response),
    };
  }

  async match(path: string) {
    for (const each of this.kept.values()) {
      if (each.has(path)) return each.get(path)?.clone();
    }
    return undefined;
  }

  has = async (name: string) => this.kept.has(name);
  keys = async () => [...this.kept.keys()];
  delete = async (name: string) => this.kept.delete(name);
}

let caches: FakeCaches;
let asked: [string, RequestInit][];
/** What the network has; a function may wait or fail. */
let network: Record<string, string | number | (() => Promise<Response>)>;
let impatience: () => void;
let world: World;

beforeEach(() => {
  caches = new FakeCaches();
  asked = [];
  network = {
    '/index.html': 'page 2',
    '/assets/index-2.js': 'code 2',
    '/assets/same-1.css': 'style',
    '/favicon.svg': 'drawing',
  };
  impatience = () => {
    throw new Error('nobody waits');
  };
  world = {
    origin: ORIGIN,
    caches: caches as unknown as CacheStorage,
    after: (ms, run) => {
      expect(ms).toBe(PATIENCE_MS);
      impatience = run;
    },
    fetch: async (input, init = {}) => {
      const path = typeof input === 'string' ? input : new URL((input as Request).url).pathname;
      asked.push([path, init]);
      const found = network[path];
      if (found === undefined) throw new TypeError('no network');
      if (typeof found === 'function') return found();
      return typeof found === 'number' ? new Response('', { status: found }) : new Response(found);
    },
  };
});

async function keep(version: string, files: Record<string, string>): Promise<void> {
  const cache = await caches.open(`shell-${version}`);
  for (const [path, text] of Object.entries(files)) await cache.put(path, new Response(text));
}

function request(path: string, more: Partial<Request> = {}): Request {
  return { url: ORIGIN + path, method: 'GET', mode: 'cors', ...more } as Request;
}

const visit = (path: string, preloaded?: Promise<Response | undefined>) =>
  answer(shell, world, request(path, { mode: 'navigate' }), preloaded);

async function textOf(response: Promise<Response> | undefined): Promise<string | undefined> {
  return (await response)?.text();
}

describe('installing', () => {
  it('stores the whole build', async () => {
    await install(shell, world);
    expect([...(caches.kept.get('shell-two')?.keys() ?? [])].sort()).toEqual(
      ['/index.html', ...shell.files].sort(),
    );
  });

  it('takes the page from the server, and no other than its own', async () => {
    await install(shell, world);
    expect(asked[0]).toEqual(['/index.html', { cache: 'reload', integrity: 'sha256-page' }]);
    expect(asked).toContainEqual(['/favicon.svg', { cache: 'reload' }]);
  });

  it('loads nothing again whose name says that it is the same', async () => {
    await keep('one', { '/index.html': 'page 1', '/assets/same-1.css': 'style' });
    await install(shell, world);
    expect(asked.map(([path]) => path)).not.toContain('/assets/same-1.css');
    expect(await (await caches.open('shell-two')).match('/assets/same-1.css')).toBeDefined();
  });

  it.each([
    ['is missing', 404],
    ['can not be had', undefined],
  ])('leaves nothing behind when a file %s', async (_, status) => {
    if (status) network['/assets/index-2.js'] = status;
    else delete network['/assets/index-2.js'];
    await keep('one', { '/index.html': 'page 1' });
    await expect(install(shell, world)).rejects.toThrow();
    expect(await caches.keys()).toEqual(['shell-one']);
  });

  it('leaves what serves the page when only the worker is new and a file can not be had', async () => {
    await keep('two', { '/index.html': 'page 2', '/favicon.svg': 'kept' });
    delete network['/favicon.svg'];
    await expect(install(shell, world)).rejects.toThrow();
    delete network['/index.html'];
    expect(await textOf(visit('/rooms'))).toBe('page 2');
  });
});

describe('forgetting', () => {
  it('keeps the build before this one, whose pages may be open, and what is not ours', async () => {
    for (const version of ['zero', 'one', 'two']) await keep(version, {});
    await caches.open('other');
    await forgetOld(shell, world);
    expect(await caches.keys()).toEqual(['shell-one', 'shell-two', 'other']);
  });

  it('leaves no build when the worker takes itself away', async () => {
    await keep('one', {});
    await caches.open('other');
    await forgetAll(world);
    expect(await caches.keys()).toEqual(['other']);
  });
});

describe('a page', () => {
  beforeEach(() => keep('two', { '/index.html': 'page 2' }));

  it('is the newest while there is a network', async () => {
    network['/rooms'] = 'page 3';
    expect(await textOf(visit('/rooms'))).toBe('page 3');
  });

  it('is the one that was asked for while the worker was being started', async () => {
    expect(await textOf(visit('/rooms', Promise.resolve(new Response('early'))))).toBe('early');
    expect(asked).toEqual([]);
  });

  it.each(['/', '/rooms', '/rooms/abc', '/me', '/nothing/there'])(
    'is there without a network: %s',
    async (path) => {
      expect(await textOf(visit(path))).toBe('page 2');
      expect(await textOf(visit(path, Promise.reject(new TypeError('no network'))))).toBe('page 2');
    },
  );

  it('is this build’s when the server is ill, but not when it says no', async () => {
    network['/rooms'] = 503;
    expect(await textOf(visit('/rooms'))).toBe('page 2');
    network['/rooms'] = 404;
    expect((await visit('/rooms'))?.status).toBe(404);
  });

  it('is this build’s when the network is too slow', async () => {
    network['/rooms'] = () => new Promise<Response>(() => {});
    const page = visit('/rooms');
    await vi.waitFor(() => impatience());
    expect(await textOf(page)).toBe('page 2');
  });

  it('is the network’s, however late, when there is no other', async () => {
    caches.kept.clear();
    let arrive: (response: Response) => void = () => {};
    network['/rooms'] = () => new Promise<Response>((resolve) => (arrive = resolve));
    const page = visit('/rooms');
    await vi.waitFor(() => impatience());
    arrive(new Response('at last'));
    expect(await textOf(page)).toBe('at last');
  });

  it('is never another build’s, with files that are not there', async () => {
    caches.kept.clear();
    await keep('one', { '/index.html': 'page 1' });
    await expect(visit('/rooms')).rejects.toThrow('no network');
  });
});

describe('a file', () => {
  it('with a hash in its name is what is kept, also of the build before', async () => {
    await keep('one', { '/assets/index-1.js': 'code 1' });
    expect(await textOf(answer(shell, world, request('/assets/index-1.js')))).toBe('code 1');
    expect(asked).toEqual([]);
  });

  it('that is not kept comes from the network, and is not kept then', async () => {
    network['/assets/index-3.js'] = 'code 3';
    expect(await textOf(answer(shell, world, request('/assets/index-3.js')))).toBe('code 3');
    expect(await caches.match('/assets/index-3.js')).toBeUndefined();
  });

  it('without one is the newest, and without a network what is kept', async () => {
    await keep('two', { '/favicon.svg': 'kept' });
    expect(await textOf(answer(shell, world, request('/favicon.svg')))).toBe('drawing');
    delete network['/favicon.svg'];
    expect(await textOf(answer(shell, world, request('/favicon.svg')))).toBe('kept');
  });
});

describe('left alone is', () => {
  it.each([
    ['the API', request('/api/session')],
    ['the WebSocket', request('/ws')],
    ['a navigation into the API', request('/api/auth/kakao', { mode: 'navigate' })],
    ['what changes something', request('/assets/index-2.js', { method: 'POST' })],
    ['another origin', { ...request('/'), url: 'https://elsewhere.example/assets/index-2.js' }],
    ['a file that is opened as a page', request('/robots.txt', { mode: 'navigate' })],
    ['what the build does not have', request('/robots.txt')],
  ] as [string, Request][])('%s', (_, what) => {
    expect(answer(shell, world, what)).toBeUndefined();
    expect(asked).toEqual([]);
  });
});
