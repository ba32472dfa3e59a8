/** What stands where there is nothing: no such page, a room that ended or can't be entered. */
export { default as css } from './ends.css?url';
export { Elsewhere } from './Elsewhere';
export { Offline } from './Offline';
export { RoomEnd } from './RoomEnd';
