/** The filter words that a room has of its own, for its host and managers. */
export { default as css } from './filter.css?url';
export { WordsDialog } from './WordsDialog';
