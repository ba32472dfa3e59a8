import { chunk } from './chunk';

/** What was said in a room: fetched while the page connects, so it is there when that has come. */
export const log = chunk(() => import('./chat/log'));
/** The list of rooms, likewise. */
export const rooms = chunk(() => import('./rooms'));

// What nobody needs who only reads and writes in a room.
export const outside = chunk(() => import('./pages/outside'));
export const me = chunk(() => import('./account'));
export const asides = chunk(() => import('./chat/asides'));
export const match = chunk(() => import('./match'));
/** Rooms that one is not in, and what is said of a room for those who look for one. */
export const directory = chunk(() => import('./directory'));
/** What a room masks of its own. */
export const filter = chunk(() => import('./filter'));
export const rules = chunk(() => import('./rules'));
export const ends = chunk(() => import('./ends'));
/** What is said when somebody says too much at once. */
export const pace = chunk(() => import('./chat/PaceLine'));
/** Fetched when all else is there: what it explains may be that nothing can be fetched. */
export const failures = chunk(() => import('./failures'));
/** Tells people apart whose names look alike. */
export const lookalikes = chunk(() => import('./lookalikes'));
/** These start by themselves. */
export const updates = chunk(() => import('./updates'));
export const sounds = chunk(() => import('./sounds'));
