import type { Plugin } from 'vite';

export const BUDGET_BYTES: number;
export function budget(): Plugin;
