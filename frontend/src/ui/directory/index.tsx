export { AboutDialog } from './AboutDialog';
export { Browse } from './Browse';
export { NewRoom } from './NewRoom';
export { default as css } from './directory.css?url';
