// Before the first paint, as a file of its own: the policy of the page allows no script in it.
(() => {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem('gatewayops.appearance') ?? '{}');
  } catch {
    // A browser that keeps nothing shows the theme of the system.
  }
  const root = document.documentElement;
  if (kept.theme === 'light' || kept.theme === 'dark') root.dataset.theme = kept.theme;
  if (kept.density === 'compact' || kept.density === 'roomy') root.dataset.density = kept.density;
})();
