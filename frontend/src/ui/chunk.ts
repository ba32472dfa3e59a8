import { signal } from '@preact/signals';

/** Code that is loaded when it is needed first, with its styles. */
export interface Chunk<T> {
  /** Undefined until it is there; components that read it are drawn again then. */
  readonly module: T | undefined;
  readonly hasFailed: boolean;
  /** It failed again, with a network: a newer release may have taken its place. */
  readonly isGone: boolean;
  /** Load it, if it is not there; again after a failure. Resolves when either has come about. */
  load(): Promise<void>;
}

export function chunk<T extends object>(fetch: () => Promise<T & { css?: string }>): Chunk<T> {
  const found = signal<T | undefined>(undefined);
  const hasFailed = signal(false);
  const isGone = signal(false);
  let loading: Promise<void> | undefined;
  const run = async () => {
    const isAgain = hasFailed.peek();
    hasFailed.value = false;
    try {
      const module = await fetch();
      if (module.css) await applyStyle(module.css);
      found.value = module;
    } catch {
      isGone.value = isAgain && navigator.onLine;
      hasFailed.value = true;
    }
    loading = undefined;
  };
  return {
    get module() {
      return found.value;
    },
    get hasFailed() {
      return hasFailed.value;
    },
    get isGone() {
      return isGone.value;
    },
    async load() {
      if (!found.peek()) await (loading ??= run());
    },
  };
}

/** Vite's own way would not try a style sheet again that failed once. */
function applyStyle(href: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = href;
    link.onload = () => resolve();
    link.onerror = () => {
      link.remove();
      reject(new Error('no styles'));
    };
    document.head.append(link);
  });
}
