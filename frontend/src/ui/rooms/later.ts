/** What the list of rooms can do without in the first moment. */
export { matches } from '../hangul';
export { SteadyOrder } from './order';
