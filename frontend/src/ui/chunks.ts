import { chunk } from './chunk';

/** The parts of the site that nobody needs who only reads and writes in a room. */
/** Loaded while the connection is made. */
export const rooms = chunk(() => import('./rooms'));
export const outside = chunk(() => import('./pages/outside'));
export const me = chunk(() => import('./pages/MePage'));
export const asides = chunk(() => import('./chat/asides'));
export const ends = chunk(() => import('./ends'));

/** What was said in a room: fetched while the page connects, so it is there when that has come. */
export const log = chunk(() => import('./chat/log'));
