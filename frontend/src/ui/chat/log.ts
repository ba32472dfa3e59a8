/** The log of a room: loaded while the page connects, which takes longer. */
export { default as css } from '../../styles/log.css?url';
export { LogView } from './LogView';
export { Pinned } from './Pinned';
