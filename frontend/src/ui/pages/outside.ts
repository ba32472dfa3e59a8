/** What is seen by who is not signed in. */
export { default as css } from '../../styles/outside.css?url';
export { Landing } from './Landing';
export { SignIn } from './SignIn';
