/** The page of one's account, and what one agrees to before there is anything else. */
export { default as css } from '../../styles/me.css?url';
export { MePage } from '../pages/MePage';
export { Consent } from './Consent';
