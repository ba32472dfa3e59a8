export { MatchDialog } from './MatchDialog';
export { pairNotice } from './notices';
export { PairBar } from './PairBar';
export { default as css } from './match.css?url';
