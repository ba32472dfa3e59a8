import { render } from 'preact';
import './styles/base.css';
import './styles/pages.css';
import './styles/chat.css';
import { App } from './ui/App';
import { loadChoices, sayFarewell, startSessionEvents } from './ui/app';
import { startRouter } from './ui/router';

startRouter();
startSessionEvents();
void loadChoices().then(() => {
  sayFarewell();
  render(<App />, document.getElementById('app') as HTMLElement);
});
