import { chunk } from './chunk';

/** The parts of the site that nobody needs who only reads and writes in a room. */
export const outside = chunk(() => import('./pages/outside'));
export const me = chunk(() => import('./pages/MePage'));
export const asides = chunk(() => import('./chat/asides'));
export const ends = chunk(() => import('./ends'));
