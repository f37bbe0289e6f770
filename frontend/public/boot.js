// Runs before the first paint: the colours and the language the person chose last time.
(function () {
  var root = document.documentElement;
  var theme = null;
  var language = null;
  try {
    theme = localStorage.getItem('heatloop.theme');
    language = localStorage.getItem('heatloop.language');
  } catch (_) {}
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  else root.dataset.theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  root.lang = language === 'en' || language === 'zh' ? language : /^en/i.test(navigator.language) ? 'en' : 'zh';
})();
