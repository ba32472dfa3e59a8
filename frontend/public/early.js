// Before the first paint: the chosen theme and language, so that nothing flashes.
try {
  var root = document.documentElement;
  var theme = localStorage.getItem('ping-pong.theme');
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  var lang = localStorage.getItem('ping-pong.lang') || navigator.language || 'ko';
  root.lang = /^ko\b/i.test(lang) ? 'ko' : 'en';
} catch (e) {
  // Storage is forbidden: the defaults will do.
}
