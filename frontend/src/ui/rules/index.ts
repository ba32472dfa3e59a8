/** What a room shows of how it is ruled; loaded by rooms in which anything was done. */
export { default as css } from '../../styles/rules.css?url';
export { deletedText, ruleNotice } from './notices';
export { PinBar } from './PinBar';
