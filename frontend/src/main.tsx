import { render } from 'preact';
import './styles/base.css';
import './styles/pages.css';
import './styles/chat.css';
import { App } from './ui/App';
import { loadChoices, sayFarewell, startSessionEvents } from './ui/app';
import { updates } from './ui/chunks';
import { startRouter } from './ui/router';

startRouter();
startSessionEvents();
void loadChoices().then(() => {
  sayFarewell();
  render(<App />, document.getElementById('app') as HTMLElement);
});

/** When what one came for is there. Should it fail, the next visit does it. */
const KEEP_AFTER_MS = 4_000;
if (import.meta.env.PROD) {
  addEventListener('load', () => setTimeout(() => updates.load(), KEEP_AFTER_MS));
}
